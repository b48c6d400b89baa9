//! mosquitto.conf, trap by trap. What the real broker does with many of these files is held by
//! the tests of the services tier.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{folder, list, places, seen, undetermined, word};

fn read(text: &str, version: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("mosquitto.conf", text)], ConfigFormat::Mosquitto, Some(version))
}

type Words = [&'static str; 3];
type Case = (&'static str, Words, Words, Words);

/// Each case: the file, and the words for anonymous clients, TLS and bind under 1.6, 2.0, 2.1.
#[test]
fn listeners_and_defaults_are_read_as_each_release_reads_them() {
    let closed = ["off", "on", "on"];
    let always = ["off"; 3];
    let never = ["on"; 3];
    let cases: &[Case] = &[
        ("", ["off", "local", "local"], ["off", "local", "local"], ["off", "on", "on"]),
        ("allow_anonymous false", ["on", "local", "on"], ["off", "local", "local"], closed),
        ("listener 1883", closed, always, always),
        ("listener 1883\nallow_anonymous true", always, always, always),
        ("allow_anonymous true\nlistener 1883\nallow_anonymous false", never, always, always),
        ("listener 1883\nallow_anonymous true # note", always, always, always),
        ("   listener 1883\n   allow_anonymous 1", always, always, always),
        ("listener 1883 192.0.2.1\nallow_anonymous false", never, always, never),
        ("listener 1883 127.0.0.1\nallow_anonymous true", ["local"; 3], ["local"; 3], never),
        (
            "listener 1883\nbind_interface lo\nallow_anonymous true",
            ["local"; 3],
            ["local"; 3],
            never,
        ),
        ("listener 1883 # everywhere", closed, always, always),
        ("listener 1883\t127.0.0.1", closed, always, always),
        ("listener 0 /run/mosquitto.sock\nallow_anonymous false", never, never, never),
        ("port 1883", closed, always, always),
        ("bind_address 127.0.0.1", ["local", "on", "on"], ["local"; 3], never),
        (
            "port 1883\nbind_address 127.0.0.1\nallow_anonymous true",
            ["local"; 3],
            ["local"; 3],
            never,
        ),
        ("listener 8883\ncertfile c\nkeyfile k\nallow_anonymous false", never, never, always),
        ("listener 8883\ncertfile c\nallow_anonymous false", never, always, always),
        ("listener 8883\ncafile c\nallow_anonymous false", never, always, always),
        ("listener 8883\nrequire_certificate true\nallow_anonymous false", never, always, always),
        ("listener 8883\npsk_hint h\npsk_file p", never, never, always),
        ("listener 8883\npsk_file p", never, always, always),
        (
            "listener 8883\ncertfile c\nkeyfile k\nrequire_certificate true\nallow_anonymous true",
            never,
            never,
            always,
        ),
        ("listener 1883\npassword_file p", never, always, always),
        ("listener 1883\npassword_file p\nallow_anonymous true", always, always, always),
        // A listener setting before the first listener brings a second one up on 1883; 2.1 opens
        // it too once something is declared, and only the loopback if nothing is.
        (
            "max_connections 5\nlistener 8883 127.0.0.1\nallow_anonymous false",
            never,
            always,
            always,
        ),
        (
            "max_connections 5\nallow_anonymous false",
            ["on", "off", "on"],
            ["off", "off", "local"],
            ["off", "off", "on"],
        ),
        (
            "max_connections -1\nlistener 8883 127.0.0.1\nallow_anonymous false",
            never,
            ["local"; 3],
            never,
        ),
    ];
    for (text, anonymous, tls, bind) in cases {
        for (index, version) in ["1.6.15", "2.0.11", "2.1.2"].into_iter().enumerate() {
            let seen = read(text, version);
            let words = [Guardrail::Anonymous, Guardrail::Tls, Guardrail::Bind];
            let words = words.map(|guardrail| word(&seen, guardrail));
            assert_eq!(words, [anonymous[index], tls[index], bind[index]], "{version}: {text}");
        }
    }
}

#[test]
fn per_listener_settings_belong_to_their_listener() {
    let two = "per_listener_settings true\nlistener 1883\nallow_anonymous true\nlistener 1884\n";
    let anonymous = &read(two, "2.0").auth_anonymous;
    assert_eq!(places(anonymous), ["mosquitto.conf:3:1"]);
    assert_eq!(anonymous.value().unwrap()[0].value, "true on listener 1883");

    // The undeclared listener is never set to false before 2.1 (measured on 2.0.11).
    let undeclared = "per_listener_settings true\nport 1883\n";
    assert_eq!(word(&read(undeclared, "2.0.11"), Guardrail::Anonymous), "off");
    assert_eq!(word(&read(undeclared, "2.1.0"), Guardrail::Anonymous), "on");
    let with_users = "per_listener_settings true\npassword_file p\nlistener 8883 192.0.2.1\n";
    assert_eq!(word(&read(with_users, "2.0.11"), Guardrail::Anonymous), "off");

    // Said too late, the broker does not start.
    let late = "listener 1883\nallow_anonymous false\nper_listener_settings true\n";
    assert_eq!(undetermined(&read(late, "2.0")), ["per_listener_settings"]);
    // Taken back: before 2.1 the last line counts.
    let back = "per_listener_settings true\nper_listener_settings false\nlistener 1883\nallow_anonymous true\nlistener 1884\n";
    assert_eq!(read(back, "2.0").auth_anonymous.value().unwrap().len(), 2);
    assert_eq!(read(back, "2.1").auth_anonymous.value().unwrap().len(), 1);
}

#[test]
fn listener_allow_anonymous_beats_the_global_value_since_2_1() {
    let text = "allow_anonymous true\nlistener 1883\nlistener_allow_anonymous false\n";
    assert_eq!(word(&read(text, "2.1"), Guardrail::Anonymous), "on");
    assert_eq!(word(&read(text, "2.0"), Guardrail::Anonymous), "off");
    assert_eq!(word(&read(text, "2.0"), Guardrail::UnknownKey), "off");
}

#[test]
fn what_the_broker_refuses_is_undetermined() {
    let cases = [
        ("allow_anonymous True", "allow_anonymous", Guardrail::Anonymous),
        ("allow_anonymous", "allow_anonymous", Guardrail::Anonymous),
        ("allow_anonymous \ttrue", "allow_anonymous", Guardrail::Anonymous),
        ("acl_file a\nacl_file b", "acl_file", Guardrail::Authorization),
        ("max_packet_size 0", "max_packet_size", Guardrail::Limits),
        ("certfile c\nkeyfile k\ntls_version tlsv1.4", "tls_version", Guardrail::TlsVersion),
        ("bridge_insecure true", "bridge_insecure", Guardrail::PeerVerification),
    ];
    for (text, setting, guardrail) in cases {
        let text = format!("listener 1883 192.0.2.1\nmax_connections 5\n{text}\n");
        let seen = read(&text, "2.0");
        assert!(undetermined(&seen).contains(&setting.to_owned()), "{text}");
        // A bound that is missing decides, whatever else cannot be told.
        let expected = if guardrail == Guardrail::Limits { "off" } else { "open" };
        assert_eq!(word(&seen, guardrail), expected, "{text}");
    }
}

#[test]
fn keys_that_are_not_known_stand_with_their_place() {
    let cases = [
        ("listener 1883\n # indented\n", "2:2"),
        ("listener 1883\nallow_anonymous\ttrue\n", "2:1"),
        ("listener 1883\nAllow_Anonymous true\n", "2:1"),
        ("listener 1883\n\t\n", "2:1"),
        ("listener 1883\nallow_anonymus true\n", "2:1"),
    ];
    for (text, place) in cases {
        let seen = read(text, "2.0");
        assert_eq!(places(&seen.unknown_keys), [format!("mosquitto.conf:{place}")], "{text}");
    }
    let marked = seen(
        &[("mosquitto.conf", "\u{feff}listener 1883\n")],
        ConfigFormat::Mosquitto,
        Some("2.0"),
    );
    assert_eq!(marked.unknown_keys.value().unwrap()[0].setting, "(byte order mark)");
    assert_eq!(word(&marked, Guardrail::Tls), "off", "the rest of the file is read all the same");
}

#[test]
fn line_ends_of_windows_and_bytes_of_latin_1_are_read() {
    let folder = folder(&[("m.conf", b"# caf\xe9\r\nlistener 1883\r\nallow_anonymous true\r\n")]);
    let config = super::declared("m.conf", ConfigFormat::Mosquitto);
    let seen = super::observe(&super::context(folder.path()), &config);
    assert_eq!(places(&seen.auth_anonymous), ["m.conf:3:1"]);
}

#[test]
fn included_files_are_read_in_the_order_of_the_broker() {
    let read = |files: &[(&str, &str)]| seen(files, ConfigFormat::Mosquitto, Some("2.0.11"));
    let main = ("mosquitto.conf", "listener 1883 192.0.2.1\ninclude_dir d\n");
    let (allow, deny) = ("allow_anonymous true\n", "allow_anonymous false\n");
    let seen = read(&[main, ("d/B.conf", allow), ("d/a.conf", deny), ("d/c.cfg", "nonsense\n")]);
    assert_eq!(places(&seen.auth_anonymous), ["d/B.conf:1:1"]);
    assert_eq!(word(&seen, Guardrail::UnknownKey), "on");
    assert_eq!(seen.files.value().unwrap(), &["mosquitto.conf", "d/a.conf", "d/B.conf"]);
    let other = read(&[main, ("d/B.conf", deny), ("d/a.conf", allow)]);
    assert_eq!(word(&other, Guardrail::Anonymous), "on");

    // A listener setting in an included file does not attach: it opens a second listener.
    let second = read(&[main, ("d/a.conf", "max_connections 4\n")]);
    assert_eq!(places(&second.bind_all_interfaces), ["d/a.conf:1:1"]);
    assert_eq!(
        second.bind_all_interfaces.value().unwrap()[0].value,
        "undeclared listener 1883 on every interface"
    );

    // Behind an include that adds a listener the broker has lost its place.
    let lost = ("mosquitto.conf", "listener 1883 192.0.2.1\ninclude_dir d\nmax_connections 3\n");
    let lost = read(&[lost, ("d/a.conf", "listener 1884 192.0.2.1\n")]);
    assert_eq!(undetermined(&lost), ["max_connections"]);
}

#[test]
fn a_missing_include_leaves_open_what_it_could_change() {
    let text = "listener 8883 192.0.2.1\ncertfile c\nkeyfile k\nallow_anonymous false\nacl_file a\ninclude_dir /etc/mosquitto/conf.d\n";
    let safe = read(text, "2.0.11");
    assert_eq!(undetermined(&safe), ["include_dir"]);
    for guardrail in
        [Guardrail::Anonymous, Guardrail::Authorization, Guardrail::Tls, Guardrail::Bind]
    {
        assert_eq!(word(&safe, guardrail), "open", "{guardrail:?}");
    }
    assert_eq!(safe.secrets_inline.status(), "not_attempted");
    // What is unsafe in the file stays a fact.
    let unsafe_ = read(&text.replace("false", "true"), "2.0.11");
    assert_eq!(word(&unsafe_, Guardrail::Anonymous), "off");
}

#[test]
fn without_a_version_only_what_all_releases_agree_on_is_decided() {
    let seen = |text| seen(&[("mosquitto.conf", text)], ConfigFormat::Mosquitto, None);
    let differs = seen("listener 1883 192.0.2.1\n");
    assert_eq!(word(&differs, Guardrail::Anonymous), "open");
    assert_eq!(word(&differs, Guardrail::Tls), "off");
    assert_eq!(undetermined(&differs), ["programVersion"]);
    let explicit = seen(
        "listener 8883 192.0.2.1\ncertfile c\nkeyfile k\ntls_version tlsv1.2\nallow_anonymous false\nacl_file a\nmax_connections 5\nmax_packet_size 65536\n",
    );
    assert_eq!(undetermined(&explicit), Vec::<String>::new());
    assert_eq!(word(&explicit, Guardrail::Anonymous), "on");
}

#[test]
fn access_control_is_asked_for_by_listener_and_read_where_it_is_here() {
    let read = |files: &[(&str, &str)]| seen(files, ConfigFormat::Mosquitto, Some("2.0.11"));
    let base = "listener 1883 192.0.2.1\nallow_anonymous false\n";
    let acl = format!("{base}acl_file /etc/mosquitto/acl\n");
    let plugin = |name: &str| {
        format!("{base}plugin /usr/lib/{name}.so\nplugin_opt_config_file dynsec.json\n")
    };
    let dynsec = plugin("mosquitto_dynamic_security");
    let json = |publish: &str| {
        format!(
            "{{\"defaultACLAccess\": {{\"publishClientSend\": {publish}, \"subscribe\": false}}}}"
        )
    };
    let cases: Vec<(Vec<(&str, String)>, &str)> = vec![
        (vec![("m.conf", base.to_owned())], "off"),
        (vec![("m.conf", acl.clone())], "on"),
        (vec![("m.conf", acl.clone()), ("acl", String::new())], "on"),
        (vec![("m.conf", acl.clone()), ("acl", "user a\ntopic readwrite #\n".to_owned())], "on"),
        (vec![("m.conf", acl.clone()), ("acl", "topic #\n".to_owned())], "off"),
        (vec![("m.conf", acl.clone()), ("acl", "user a\npattern readwrite #\n".to_owned())], "off"),
        (vec![("m.conf", acl), ("acl", "pattern readwrite %u/#\n".to_owned())], "on"),
        (vec![("m.conf", dynsec.clone())], "on"),
        (vec![("m.conf", dynsec.clone()), ("dynsec.json", json("false"))], "on"),
        (vec![("m.conf", dynsec), ("dynsec.json", json("true"))], "off"),
        (vec![("m.conf", plugin("own_auth"))], "open"),
    ];
    for (files, expected) in cases {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        assert_eq!(word(&read(&files), Guardrail::Authorization), expected, "{files:?}");
    }
}

#[test]
fn bridges_are_judged_by_their_trust_anchors() {
    let bridge = |more: &str| {
        let text = format!(
            "listener 1883 127.0.0.1\nconnection up\naddress mq.example:8883\ntopic # out\n{more}\n"
        );
        let seen = read(&text, "2.1");
        [Guardrail::Tls, Guardrail::PeerVerification, Guardrail::TlsVersion].map(|g| word(&seen, g))
    };
    assert_eq!(bridge(""), ["off", "on", "on"]);
    assert_eq!(bridge("bridge_cafile ca.pem"), ["local", "on", "on"]);
    assert_eq!(bridge("bridge_capath /ca\nbridge_insecure true"), ["local", "off", "on"]);
    assert_eq!(bridge("bridge_tls_use_os_certs true"), ["local", "on", "on"]);
    assert_eq!(bridge("bridge_tls_use_os_certs false"), ["off", "on", "on"]);
    assert_eq!(bridge("bridge_psk 00ff\nbridge_identity i"), ["local", "on", "on"]);
    assert_eq!(bridge("bridge_cafile ca.pem\nbridge_tls_version tlsv1.1"), ["local", "on", "off"]);
}

#[test]
fn tls_versions_limits_identity_logging_and_surfaces_are_told() {
    let tls = "listener 8883 192.0.2.1\ncertfile c\nkeyfile k\n";
    let cases = [
        (Guardrail::TlsVersion, tls, "2.0", "on"),
        (Guardrail::TlsVersion, tls, "1.6", "off"),
        (Guardrail::TlsVersion, &format!("{tls}tls_version tlsv1.1\n"), "2.1", "off"),
        (Guardrail::TlsVersion, &format!("{tls}tls_version tlsv1.3\n"), "1.6", "on"),
        (Guardrail::TlsVersion, "listener 1883\ntls_version tlsv1.1\n", "2.0", "on"),
        (
            Guardrail::IdentityMapping,
            &format!("{tls}use_identity_as_username true\n"),
            "2.0",
            "off",
        ),
        (
            Guardrail::IdentityMapping,
            &format!("{tls}use_subject_as_username true\nrequire_certificate true\n"),
            "2.0",
            "on",
        ),
        (
            Guardrail::PeerVerification,
            &format!("{tls}disable_client_cert_date_checks true\n"),
            "2.1",
            "off",
        ),
        (
            Guardrail::Limits,
            &format!("{tls}max_connections 5\nmax_packet_size 65536\n"),
            "2.0",
            "on",
        ),
        (Guardrail::Limits, &format!("{tls}max_connections 5\n"), "2.0", "off"),
        (Guardrail::Limits, &format!("{tls}max_connections 5\n"), "2.1", "on"),
        (
            Guardrail::Limits,
            &format!("{tls}max_connections 5\nmessage_size_limit 100\n"),
            "2.0",
            "on",
        ),
        (Guardrail::Limits, &format!("{tls}max_packet_size 65536\n"), "2.1", "off"),
        (Guardrail::Limits, &format!("{tls}global_max_connections 50\n"), "2.1", "on"),
        (
            Guardrail::Limits,
            &format!("{tls}max_connections 5\nmax_queued_messages 0\n"),
            "2.1",
            "off",
        ),
        (
            Guardrail::Limits,
            &format!("{tls}max_connections 5\nmax_queued_messages 0\nmax_queued_bytes 1000\n"),
            "2.1",
            "on",
        ),
        (Guardrail::Debug, "log_type none\nlog_type debug\n", "2.0", "off"),
        (Guardrail::Debug, "log_type debug\nlog_type none\nlog_type error\n", "2.0", "on"),
        (Guardrail::Debug, "log_type all\n", "2.0", "off"),
        (Guardrail::Admin, "listener 9883\nprotocol http_api\n", "2.1", "off"),
        (Guardrail::Admin, "listener 9883 127.0.0.1\nprotocol http_api\n", "2.1", "local"),
        (Guardrail::Admin, "listener 9883\nprotocol websockets\n", "2.1", "on"),
    ];
    for (guardrail, text, version, expected) in cases {
        assert_eq!(word(&read(text, version), guardrail), expected, "{version}: {text}");
    }
}

#[test]
fn secrets_of_bridges_and_plugins_are_told_by_place_only() {
    let text = "listener 1883 127.0.0.1\nconnection up\naddress mq.example\ntopic #\nremote_password changeme\nbridge_psk 00112233445566778899aabbccddeeff\nplugin /x.so\nplugin_opt_pg_password s3cr3t # x\nplugin_opt_pg_host db\n";
    let seen = read(text, "2.0");
    let inline: Vec<_> =
        seen.secrets_inline.value().unwrap().iter().map(|s| (s.line, s.setting.as_str())).collect();
    assert_eq!(inline, [(5, "remote_password"), (6, "bridge_psk"), (8, "plugin_opt_pg_password")]);
    let known: Vec<_> = seen.secrets_known.value().unwrap().iter().map(|s| s.line).collect();
    assert_eq!(known, [5]);
    let short: Vec<_> = seen.secrets_short.value().unwrap().iter().map(|s| s.line).collect();
    assert_eq!(short, [5, 8]);
    let json = serde_json::to_string(&seen).unwrap();
    for secret in ["changeme", "00112233", "s3cr3t"] {
        assert!(!json.contains(secret), "{secret}");
    }
}

#[test]
fn the_three_files_of_the_guide_are_told_apart() {
    let exposed = read("listener 1883\nallow_anonymous true\nlog_type all\n", "2.0.11");
    let mixed = read(
        "per_listener_settings true\nlistener 1883\nallow_anonymous true\nlistener 8883\ncertfile /srv/tls/broker.pem\nkeyfile /srv/tls/broker.key\npassword_file /srv/mq/users\n",
        "2.0.11",
    );
    let hardened = read(
        "listener 8883 192.0.2.10\ncertfile /srv/tls/broker.pem\nkeyfile /srv/tls/broker.key\ncafile /srv/tls/devices-ca.pem\nrequire_certificate true\nuse_identity_as_username true\ntls_version tlsv1.2\nallow_anonymous false\nacl_file /srv/mq/acl\nmax_connections 500\nmax_packet_size 65536\nmax_queued_bytes 1048576\npersistence true\n",
        "2.0.11",
    );
    let off = |seen: &GatewayConfigGuardrailsStable| {
        super::super::readers::mosquitto::COVERED
            .into_iter()
            .filter(|g| !matches!(g, Guardrail::DefaultSecret | Guardrail::InlineSecret))
            .filter(|guardrail| word(seen, *guardrail) != "on")
            .collect::<Vec<_>>()
    };
    use Guardrail as G;
    assert_eq!(
        off(&exposed),
        [G::Anonymous, G::Authorization, G::Tls, G::Bind, G::Debug, G::Limits]
    );
    assert_eq!(off(&mixed), [G::Anonymous, G::Authorization, G::Tls, G::Bind, G::Limits]);
    assert_eq!(list(&mixed, G::Anonymous).value().unwrap().len(), 1);
    assert_eq!(list(&mixed, G::Tls).value().unwrap().len(), 1);
    assert_eq!(off(&hardened), []);
    assert_eq!(undetermined(&hardened), Vec::<String>::new());
}
