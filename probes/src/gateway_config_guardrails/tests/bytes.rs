//! Every reader over the same bytes: deep nesting, endless lines, NUL, other encodings, other ends of
//! lines, files that name themselves. None falls over, none takes long or says much, and what is
//! refused is told by file.

use std::time::{Duration, Instant};

use model::document::{ConfigFormat, Source};
use model::evidence::GatewayConfigGuardrailsStable;

use super::{context, declared, folder, observe, seen};

/// Name, a whole file, its format, and how a comment begins in it.
const ALL: [(&str, &str, ConfigFormat, &str); 20] = [
    ("a.env", "auth=true\npassword=hunter2\n", ConfigFormat::Env, "#"),
    ("a.ini", "[a]\nauth = true\npassword = x\n", ConfigFormat::Ini, ";"),
    ("a.json", "{\"a\": {\"auth\": true,\n \"password\": \"x\"}}\n", ConfigFormat::Json, ""),
    ("a.toml", "[a]\nauth = true\npassword = \"x\"\n", ConfigFormat::Toml, "#"),
    ("a.yaml", "a:\n  auth: true\n  password: x\n", ConfigFormat::Yaml, "#"),
    ("broker.service", super::systemd::HARDENED, ConfigFormat::Systemd, "#"),
    ("compose.yaml", super::compose::EXPOSED, ConfigFormat::Compose, "#"),
    ("config.xml", super::brokers::HIVEMQ, ConfigFormat::Hivemq, ""),
    ("emqx.conf", super::emqx::HARDENED, ConfigFormat::Emqx, "//"),
    ("gateway.toml", super::gateway::HARDENED, ConfigFormat::PlumblineGateway, "#"),
    ("haproxy.cfg", super::haproxy::EXPOSED, ConfigFormat::Haproxy, "#"),
    ("k.yaml", super::kubernetes::HARDENED, ConfigFormat::Kubernetes, "#"),
    ("mosquitto.conf", "listener 1883\nallow_anonymous true\n", ConfigFormat::Mosquitto, "#"),
    ("nanomq.conf", super::brokers::NANOMQ, ConfigFormat::Nanomq, "#"),
    ("nginx.conf", super::nginx::EXPOSED, ConfigFormat::Nginx, "#"),
    ("rabbitmq.conf", super::brokers::RABBITMQ, ConfigFormat::Rabbitmq, "#"),
    ("settings.js", super::node_red::HARDENED, ConfigFormat::NodeRed, "//"),
    ("tb_gateway.json", super::thingsboard::EXPOSED, ConfigFormat::ThingsboardGateway, ""),
    ("telegraf.conf", super::telegraf::HARDENED, ConfigFormat::Telegraf, "#"),
    ("vernemq.conf", super::brokers::VERNEMQ, ConfigFormat::Vernemq, "#"),
];

/// A mapping for the generic formats.
const MAPPING: &str = "settings:\n- {path: a.auth, guardrail: authentication, type: bool, safe: [true]}\n- {path: auth, guardrail: authentication, type: bool, safe: [true], absent: ignore}\n";

/// How long one file may take in a build without optimisation, beside other tests.
const PATIENCE: Duration = Duration::from_secs(40);

/// What is seen of one file, which takes no longer than it may and says no more.
fn read(name: &str, bytes: &[u8], format: ConfigFormat) -> GatewayConfigGuardrailsStable {
    read_beside(name, bytes, format, &[])
}

/// The same with further files beside it.
fn read_beside(
    name: &str,
    bytes: &[u8],
    format: ConfigFormat,
    more: &[(&str, &[u8])],
) -> GatewayConfigGuardrailsStable {
    let written = match format {
        ConfigFormat::Env => "env",
        ConfigFormat::Ini => "ini",
        ConfigFormat::Json => "json",
        ConfigFormat::Toml => "toml",
        ConfigFormat::Yaml => "yaml",
        _ => "",
    };
    let mapping = format!("format: {written}\n{MAPPING}");
    let folder = folder(&[&[(name, bytes), ("mapping.yaml", mapping.as_bytes())], more].concat());
    let mut config = declared(name, format);
    config.mapping = (!written.is_empty()).then(|| Source::path("mapping.yaml"));
    let start = Instant::now();
    let seen = observe(&context(folder.path()), &config);
    let what = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
    assert!(start.elapsed() < PATIENCE, "{name} takes {:?} for {what}..", start.elapsed());
    let told = serde_json::to_string(&seen).unwrap().len();
    assert!(told < 256 * 1024, "{name}: {told} bytes of evidence for {what}..");
    if seen.undetermined.status() == "error" {
        let reason = seen.undetermined.reason().unwrap();
        assert!(reason.contains(name), "{name} is not named: {reason}");
        let placed = ["line ", "limit of "].iter().any(|word| reason.contains(word));
        assert!(placed, "neither place nor limit: {reason}");
    }
    seen
}

#[test]
fn nesting_without_end_is_refused_or_read_in_bounds() {
    let open = [
        "{",
        "[",
        "(",
        "{\"a\":",
        "<a>",
        "<hivemq><listeners>",
        "a: {",
        "- ",
        "a {\n",
        "${",
        "\"",
        "/*",
        "a.",
        "\\",
    ];
    for (name, sample, format, _) in ALL {
        for part in open {
            read(name, part.repeat(20_000).as_bytes(), format);
        }
        // Behind something that is whole, where a reader expects more.
        for part in ["{", "[", "\"", "${"] {
            let text = format!("{sample}{}", part.repeat(2_000));
            read(name, text.as_bytes(), format);
        }
        let depth = 3_000;
        let nested = format!("a: {}1{}", "[".repeat(depth), "]".repeat(depth));
        read(name, nested.as_bytes(), format);
        let blocks = (0..depth).map(|n| format!("{}a:\n", " ".repeat(n % 500))).collect::<String>();
        read(name, blocks.as_bytes(), format);
    }
}

#[test]
fn many_lines_of_one_server_are_read_in_bounds() {
    let many = [
        "listen 80;\n",
        "listen 443 ssl;\n",
        "location / { proxy_pass http://u; }\n",
        "location / { return 301 https://h; }\n",
        "ssl_protocols TLSv1;\n",
        "ssl_verify_client optional_no_ca;\n",
    ];
    for line in many {
        // Each of them beside addresses, of which every one is judged.
        let lines =
            format!("{}{}", "listen 81;\nlisten 444 ssl;\n".repeat(4_000), line.repeat(8_000));
        let text = format!("http {{ upstream u {{ server a; }} server {{\n{lines}}} }}\n");
        read("nginx.conf", text.as_bytes(), ConfigFormat::Nginx);
    }
    let inherited = [
        "set_real_ip_from 0.0.0.0/0;\n",
        "ssl_certificate_key a;\n",
        "ssl_verify_client optional_no_ca;\n",
    ];
    for line in inherited {
        let (lines, servers) = (line.repeat(8_000), "server { listen 1; }\n".repeat(8_000));
        let text = format!("http {{ {lines}{servers}}}\n");
        read("nginx.conf", text.as_bytes(), ConfigFormat::Nginx);
    }
}

#[test]
fn many_lines_of_one_value_are_read_in_bounds() {
    // Each goes on over the next line, and nothing ends it.
    let quoted = format!("K=\"{}", "x\n".repeat(100_000));
    let continued = format!("[Service]\nEnvironment=A=1 \\\n{}", "a\\\n".repeat(1_300_000));
    let functions =
        format!("[{{a, [{}x]}}].\n%{}\n", "fun,".repeat(90_000), "y".repeat(3 * 1024 * 1024));
    for (name, _, format, _) in ALL {
        read(name, quoted.as_bytes(), format);
        read(name, continued.as_bytes(), format);
        read(name, functions.as_bytes(), format);
    }
    read("advanced.config", functions.as_bytes(), ConfigFormat::Rabbitmq);
}

#[test]
fn many_lines_beside_many_sections_of_haproxy_are_read_in_bounds() {
    let sections = |line: &str| format!("frontend f\n{line}\n").repeat(1_000);
    let defaults = |line: &str| format!("defaults\n{}", format!("{line}\n").repeat(40_000));
    let words = "w ".repeat(45_000);
    let servers = "server s 192.0.2.1 ssl\n".repeat(10_000);
    let binds = "bind :1 ssl\n".repeat(15_000);
    for text in [
        format!("{}{}", defaults("a ssl"), sections("bind :1")),
        format!("global\n{}backend b\n{servers}", "ssl-x y\n".repeat(20_000)),
        format!("backend b\ndefault-server {words}\n{servers}"),
        format!("global\nssl-default-bind-options {words}\nfrontend f\n{binds}"),
        format!("global\n{}frontend f\n{binds}", "ssl-default-bind-options x\n".repeat(20_000)),
    ] {
        read("haproxy.cfg", text.as_bytes(), ConfigFormat::Haproxy);
    }
    // What is not looked at leaves everything open.
    let many = format!("{}{}", defaults("a ssl"), sections("bind 192.0.2.1:1 ssl"));
    let seen = read("haproxy.cfg", many.as_bytes(), ConfigFormat::Haproxy);
    assert_eq!(super::word(&seen, model::evidence::Guardrail::Tls), "open");
}

#[test]
fn many_parts_that_name_many_others_are_read_in_bounds() {
    let listeners: String = (1..=256).map(|port| format!("listener {port}\n")).collect();
    let text = format!("acl_file acl\n{listeners}");
    let acl = "topic #\n".repeat(500_000);
    let more = [("acl", acl.as_bytes())];
    read_beside("mosquitto.conf", text.as_bytes(), ConfigFormat::Mosquitto, &more);

    let broker = "{\"type\": \"mqtt-broker\", \"usetls\": true, \"tls\": \"x\"},";
    let flows = format!("[{}{{}}]", broker.repeat(24_000));
    let settings = "module.exports = { flowFile: 'flows.json' };\n";
    let more = [("flows.json", flows.as_bytes())];
    read_beside("settings.js", settings.as_bytes(), ConfigFormat::NodeRed, &more);
}

#[test]
fn one_line_without_end_is_read_in_bounds() {
    let near = 4 * 1024 * 1024 - 64;
    for (name, _, format, _) in ALL {
        read(name, "a b ".repeat(near / 4).as_bytes(), format);
        for part in ["a", "a=", "\"", ".", "é", "\t", "a:1,", "${a}"] {
            read(name, part.repeat(near / 16 / part.len()).as_bytes(), format);
        }
        let large = read(name, &vec![b'a'; 10 * 1024 * 1024], format);
        let reason = large.undetermined.reason().unwrap();
        assert!(reason.contains("4 MiB") && reason.contains(name), "{reason}");
    }
}

#[test]
fn a_nul_byte_is_refused_by_file_and_place() {
    for (name, sample, format, _) in ALL {
        let mut bytes = sample.as_bytes().to_vec();
        bytes.extend(b"\n  \0");
        let line = sample.lines().count() + 2;
        let reason = read(name, &bytes, format).undetermined.reason().unwrap().to_owned();
        assert!(reason.contains(&format!("NUL byte at line {line}, column 3")), "{reason}");
    }
}

#[test]
fn ends_of_lines_marks_and_bytes_of_latin_1_change_nothing() {
    for (name, sample, format, comment) in ALL {
        let plain = read(name, sample.as_bytes(), format);
        assert_ne!(plain.undetermined.status(), "error", "{name}: {plain:?}");
        let crlf = read(name, sample.replace('\n', "\r\n").as_bytes(), format);
        assert_eq!(crlf, plain, "{name} with CRLF");
        let marked = read(name, format!("\u{feff}{sample}").as_bytes(), format);
        // The mark makes the first key of mosquitto another one.
        assert_eq!(marked == plain, format != ConfigFormat::Mosquitto, "{name} with a mark");
        if !comment.is_empty() {
            let mut bytes = sample.as_bytes().to_vec();
            bytes.extend(format!("\n{comment} caf").as_bytes());
            bytes.extend(b"\xe9 \xff\n");
            assert_eq!(read(name, &bytes, format), plain, "{name} with Latin-1");
        }
    }
}

#[test]
fn a_line_that_is_commented_out_is_absent_whatever_it_says() {
    for (name, sample, format, comment) in ALL {
        if comment.is_empty() {
            continue;
        }
        let plain = read(name, sample.as_bytes(), format);
        // Every line of the file once more, as a comment behind it.
        let out = sample.lines().map(|line| format!("{comment}{line}\n")).collect::<String>();
        let text = format!("{sample}\n{out}");
        assert_eq!(read(name, text.as_bytes(), format), plain, "{name}");
    }
}

#[test]
fn files_that_name_themselves_or_each_other_end() {
    let cases: [(&[(&str, &str)], ConfigFormat); 8] = [
        (&[("nginx.conf", "include nginx.conf;\nhttp { include *.conf; }\n")], ConfigFormat::Nginx),
        (
            &[
                ("nginx.conf", "include a.conf;\n"),
                ("a.conf", "include b.conf; include b.conf;\n"),
                ("b.conf", "include a.conf; include a.conf;\n"),
            ],
            ConfigFormat::Nginx,
        ),
        (&[("emqx.conf", "include \"emqx.conf\"\n")], ConfigFormat::Emqx),
        (
            &[
                ("nanomq.conf", "auth { include \"a.conf\" }\n"),
                ("a.conf", "x { include \"a.conf\"\n include \"a.conf\" }\n"),
            ],
            ConfigFormat::Nanomq,
        ),
        (
            &[
                ("compose.yaml", "include: [compose.yaml, more.yaml]\n"),
                ("more.yaml", "include: [compose.yaml]\n"),
            ],
            ConfigFormat::Compose,
        ),
        (
            &[(
                "compose.yaml",
                "services:\n  a: {extends: {service: b}}\n  b: {extends: {service: a}}\n  c: {extends: c}\n",
            )],
            ConfigFormat::Compose,
        ),
        (&[("mosquitto.conf", "include_dir .\nlistener 1883\n")], ConfigFormat::Mosquitto),
        (
            &[(
                "tb_gateway.json",
                "{\"thingsboard\": {}, \"connectors\": [{\"type\": \"mqtt\", \"configuration\": \"tb_gateway.json\"}]}",
            )],
            ConfigFormat::ThingsboardGateway,
        ),
    ];
    for (files, format) in cases {
        let start = Instant::now();
        let seen = seen(files, format, None);
        assert!(start.elapsed() < PATIENCE, "{files:?}");
        assert!(seen.files.value().unwrap().len() <= 256);
        assert!(serde_json::to_string(&seen).unwrap().len() < 256 * 1024, "{files:?}");
    }
}
