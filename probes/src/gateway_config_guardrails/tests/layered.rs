//! Mappings over several files, over variables, and over several keys together.

use model::document::{ConfigFormat, Source};
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail};

use super::{context, declared, folder, observe, places, undetermined, word};

/// What is seen of the first of some files through a mapping; `program.env` is the environment.
fn through(mapping: &str, files: &[(&str, &str)]) -> GatewayConfigGuardrailsStable {
    let mut all: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    all.push(("mapping.yaml", mapping.as_bytes()));
    let folder = folder(&all);
    let mut config = declared(files[0].0, ConfigFormat::Auto);
    config.mapping = Some(Source::path("mapping.yaml"));
    if files.iter().any(|(name, _)| *name == "program.env") {
        config.environment = Some(Source::path("program.env"));
    }
    observe(&context(folder.path()), &config)
}

const LAYERED: &str = "format: toml
MERGE
files: [{path: base.toml, optional: true}, {path: conf.d/*.toml}]
settings:
- {path: tls.on, guardrail: tls, type: bool, safe: [true], default: [{value: false}]}
- {path: listeners.*.bind, guardrail: bind, type: address, unsafe: [wildcard], absent: ignore}
- {path: pin, type: secret}
";

const FILES: [(&str, &str); 4] = [
    ("a.toml", "pin = \"short\"\n[tls]\non = true\n[[listeners]]\nbind = \"0.0.0.0:1883\"\n"),
    ("conf.d/10.toml", "[tls]\non = false\n"),
    ("conf.d/20.toml", "[[listeners]]\nbind = \"192.0.2.1:1883\"\n[tls]\nmin = \"1.2\"\n"),
    ("conf.d/note.txt", "this is no TOML\n"),
];

#[test]
fn the_file_that_is_read_last_wins_and_tables_are_merged_key_by_key() {
    let seen = through(&LAYERED.replace("MERGE", ""), &FILES);
    assert_eq!(seen.files.value().unwrap(), &["a.toml", "conf.d/10.toml", "conf.d/20.toml"]);
    assert_eq!(places(&seen.tls_plaintext), ["conf.d/10.toml:2:1"]);
    assert_eq!(word(&seen, Guardrail::Bind), "on");
    assert_eq!(places(&seen.overridden), ["a.toml:3:1", "a.toml:5:1"]);
    // What does not count stays where it is, and so does a secret in it.
    assert_eq!(seen.secrets_short.value().unwrap()[0].file, "a.toml");
    let second = [FILES[0], ("conf.d/10.toml", "pin = \"another\"\n")];
    let seen = through(&LAYERED.replace("MERGE", ""), &second);
    let inline = seen.secrets_inline.value().unwrap();
    assert_eq!(
        inline.iter().map(|one| one.file.as_str()).collect::<Vec<_>>(),
        ["a.toml", "conf.d/10.toml"]
    );
}

#[test]
fn the_first_file_wins_or_lists_are_put_together_where_the_mapping_says_so() {
    let first = through(&LAYERED.replace("MERGE", "merge: first_wins"), &FILES);
    assert_eq!(word(&first, Guardrail::Tls), "on");
    assert_eq!(places(&first.bind_all_interfaces), ["a.toml:5:1"]);
    assert_eq!(places(&first.overridden), ["conf.d/10.toml:2:1", "conf.d/20.toml:2:1"]);
    let append = through(&LAYERED.replace("MERGE", "merge: append"), &FILES);
    assert_eq!(places(&append.tls_plaintext), ["conf.d/10.toml:2:1"]);
    assert_eq!(places(&append.bind_all_interfaces), ["a.toml:5:1"]);
    assert_eq!(places(&append.overridden), ["a.toml:3:1"]);
}

#[test]
fn a_file_that_is_missing_or_broken_leaves_open_what_it_could_change() {
    let mapping = LAYERED.replace("MERGE", "");
    let safe = ("a.toml", "[tls]\non = true\n");
    let missing = through(&mapping, &[safe]);
    assert_eq!(word(&missing, Guardrail::Tls), "open");
    assert_eq!(undetermined(&missing), ["conf.d/*.toml"]);
    assert_eq!(missing.secrets_inline.status(), "not_attempted");
    let broken = through(&mapping, &[safe, ("conf.d/x.toml", "hunter2 hunter2")]);
    assert_eq!(word(&broken, Guardrail::Tls), "open");
    let told = serde_json::to_string(&broken).unwrap();
    assert!(told.contains("line 1, column") && !told.contains("hunter2"), "{told}");
    // One that is optional may be missing, and what is unsafe decides whatever else is open.
    let off = through(&mapping, &[("a.toml", "[tls]\non = false\n")]);
    assert_eq!(word(&off, Guardrail::Tls), "off");
    let outside = mapping.replace("conf.d/*.toml", "../conf.d/*.toml");
    assert_eq!(word(&through(&outside, &[safe]), Guardrail::Tls), "open");
}

#[test]
fn variables_of_the_declared_environment_beat_files_or_lose_to_them() {
    let mapping = "format: yaml\nenvironment: {prefix: ACME_WEAKER}\nsettings:\n- {path: tls.on, guardrail: tls, type: bool, safe: [true], default: [{value: false}]}\n";
    let env = ("program.env", "ACME_TLS__ON=false\nOTHER_TLS__ON=true\n");
    let file = ("a.yaml", "tls: {on: true}\n");
    let strong = mapping.replace("_WEAKER", "_");
    let seen = through(&strong, &[file, env]);
    assert_eq!(places(&seen.tls_plaintext), ["program.env:1:1"]);
    assert_eq!(places(&seen.overridden), ["a.yaml:1:7"]);
    let weak = mapping.replace("ACME_WEAKER", "ACME_, weaker: true");
    assert_eq!(word(&through(&weak, &[file, env]), Guardrail::Tls), "on");
    assert_eq!(word(&through(&weak, &[("a.yaml", "x: 1\n"), env]), Guardrail::Tls), "off");
    let kept = mapping.replace("ACME_WEAKER", "ACME_, case: keep");
    assert_eq!(word(&through(&kept, &[file, env]), Guardrail::Tls), "on");
    // Nobody says what is set: what the file says is decided, and the gap is told.
    let undeclared = through(&strong, &[file]);
    assert_eq!(word(&undeclared, Guardrail::Tls), "on");
    assert_eq!(undetermined(&undeclared), ["environment"]);
    // A name with more steps than a file may have levels ends somewhere.
    let deep = format!("ACME_{}=1\n", "A__".repeat(500));
    through(&strong, &[file, ("program.env", &deep)]);
}

/// A mapping with one derived setting; `c` has a default that changed.
fn derived(rule: &str) -> String {
    format!(
        "format: yaml\nsettings:\n- {{path: a, type: bool, default: [{{value: false}}]}}\n- {{path: b}}\n- {{path: c, type: int, default: [{{value: 1, until: '2'}}, {{value: 2, since: '2'}}]}}\nderive:\n- {{name: broker TLS, guardrail: tls, {rule}}}\n"
    )
}

#[test]
fn what_follows_from_several_keys_is_on_off_or_open() {
    let any = "safe_if: {any: [{path: a, is: [true]}, {path: b, present: true}]}";
    let all = "safe_if: {all: [{path: a, is: [true]}, {path: b, empty: false}]}";
    let not = "unsafe_if: {not: {path: a, is: [true]}}";
    let cases = [
        (any, "x: 1", "off"),
        (any, "a: true", "on"),
        (any, "b: /srv/ca.pem", "on"),
        (any, "b: null", "off"),
        (any, "b: ${CA}", "open"),
        (any, "a: true\nb: ${CA}", "on"),
        (any, "a: maybe", "open"),
        (any, "a: true\na: false", "open"),
        (all, "a: true\nb: x", "on"),
        (all, "a: true\nb: ''", "off"),
        (all, "a: true\nb: []", "off"),
        (all, "a: true", "off"),
        (all, "b: ${X}", "off"),
        (all, "a: true\nb: ${X}", "open"),
        (not, "a: true", "on"),
        (not, "x: 1", "off"),
        ("unsafe_if: {path: c, is: [2]}", "c: 2", "off"),
        ("unsafe_if: {path: c, is: [2]}", "x: 1", "open"),
        ("unsafe_if: {path: c, is: [{max: 2}]}", "x: 1", "off"),
        ("unsafe_if: {path: d.e, is: [on]}", "d: {e: on}", "off"),
        ("unsafe_if: {path: d.e, is: [true]}", "d: {e: yes}", "off"),
        ("safe_if: {path: b, is: [x]}, when: {path: a, is: [true]}", "b: y", "on"),
        ("safe_if: {path: b, is: [x]}, when: {path: a, is: [true]}", "a: true", "off"),
        ("safe_if: {path: b, is: [x]}, when: {path: a, is: [true]}", "a: $A", "open"),
    ];
    for (rule, text, expected) in cases {
        let seen = through(&derived(rule), &[("a.yaml", text)]);
        assert_eq!(word(&seen, Guardrail::Tls), expected, "{rule}\n{text}\n{seen:#?}");
    }
    let seen = through(&derived(any), &[("a.yaml", "x: 1\na: false\n")]);
    let [off] = seen.tls_plaintext.value().unwrap().as_slice() else { panic!("{seen:#?}") };
    assert_eq!((off.setting.as_str(), off.value.as_str()), ("broker TLS", "not met by a, b"));
    assert_eq!((off.line, off.column), (2, 1));
}

#[test]
fn a_condition_that_nobody_can_tell_leaves_its_setting_open_instead_of_away() {
    let mapping = "format: yaml\nsettings:\n- {path: admin.on, type: bool}\n- {path: admin.bind, guardrail: admin, type: address, unsafe: [wildcard], WHEN: {path: admin.on, is: [true]}}\n";
    for (key, text, expected) in [
        ("when", "admin:\n  on: ${ON}\n  bind: 0.0.0.0\n", "open"),
        ("when", "admin: {on: true, bind: 0.0.0.0}\n", "off"),
        ("when", "admin: {on: false, bind: 0.0.0.0}\n", "on"),
        ("unless", "admin:\n  on: ${ON}\n  bind: 0.0.0.0\n", "open"),
        ("unless", "admin: {on: true, bind: 0.0.0.0}\n", "on"),
    ] {
        let seen = through(&mapping.replace("WHEN", key), &[("a.yaml", text)]);
        assert_eq!(word(&seen, Guardrail::Admin), expected, "{key} {text}");
    }
}

#[test]
fn a_key_that_a_condition_asks_about_is_known_and_a_secret_in_it_is_found() {
    let mapping = "format: yaml\nstrict: true\nderive:\n- {name: login, guardrail: authentication, safe_if: {path: broker.password, present: true}}\n";
    let seen = through(mapping, &[("a.yaml", "broker: {password: hunter2}\nother: 1\n")]);
    assert_eq!(places(&seen.unknown_keys), ["a.yaml:2:1"]);
    assert_eq!(seen.secrets_inline.value().unwrap().len(), 1);
    assert!(!serde_json::to_string(&seen).unwrap().contains("hunter2"));
}

#[test]
fn a_secret_that_is_known_by_its_name_alone_is_never_shown() {
    let mapping = "format: yaml\nfiles:\n- {path: b.yaml}\nsettings:\n\
                   - {path: admin.bind, guardrail: admin, type: address, unsafe: [wildcard]}\n";
    let files = [
        ("a.yaml", "broker: {password: c4nary-first}\nadmin: {bind: 0.0.0.0}\n"),
        ("b.yaml", "broker: {password: c4nary-second}\nadmin: {bind: 127.0.0.1}\n"),
    ];
    let seen = through(mapping, &files);
    assert_eq!(word(&seen, Guardrail::Admin), "on", "the last one counts");
    let told = serde_json::to_string(&seen).unwrap();
    assert!(told.contains("password") && !told.contains("c4nary"), "{told}");
}

#[test]
fn a_wrong_mapping_is_told_by_file_line_and_column() {
    let seen = through("format: yaml\nsettings:\n- path: a\n  guardrail: tls\n", &[("a.yaml", "")]);
    let reason = seen.tls_plaintext.reason().unwrap();
    assert!(
        reason.starts_with("mapping.yaml:4:3: setting 1 has a guardrail and neither"),
        "{reason}"
    );
}

#[test]
fn many_files_and_many_keys_are_read_in_bounds() {
    let names: Vec<_> = (0..250).map(|n| format!("conf.d/{n:03}.toml")).collect();
    let text = (0..300).map(|n| format!("k{n} = 1\n")).collect::<String>();
    let mut files = vec![("a.toml", text.as_str())];
    files.extend(names.iter().map(|name| (name.as_str(), text.as_str())));
    let seen = through(&LAYERED.replace("MERGE", ""), &files);
    assert_eq!(seen.files.value().unwrap().len(), 251);
    assert_eq!(seen.overridden.value().unwrap().len(), model::evidence::MAX_ENTRIES);
}

const FILLED: &str = "format: FORMAT
interpolation: shell
files: [{path: more.FORMAT, optional: true}]
settings:
- {path: tls.on, guardrail: tls, type: bool, safe: [true], default: [{value: false}]}
- {path: bind, guardrail: bind, type: address, unsafe: [wildcard], absent: ignore}
- {path: level, guardrail: debug, safe: [info], unsafe: [debug], default: [{value: info}]}
- {path: pin, type: secret}
derive:
- {name: login, guardrail: anonymous, safe_if: {path: user, empty: false}}
";

/// What is seen of a file in which variables are filled in; without an environment where none is
/// given.
fn filled(name: &str, text: &str, environment: Option<&str>) -> GatewayConfigGuardrailsStable {
    let mapping = FILLED.replace("FORMAT", name.rsplit('.').next().unwrap());
    let file = (name, text);
    match environment {
        Some(environment) => through(&mapping, &[file, ("program.env", environment)]),
        None => through(&mapping, &[file]),
    }
}

#[test]
fn variables_are_filled_in_from_the_declared_environment_in_every_format() {
    let files = [
        (
            "a.toml",
            "bind = \"${HOST}:1883\"\nlevel = \"$LEVEL\"\nuser = \"${USER}\"\n[tls]\non = \"${TLS:-false}\"\n",
        ),
        (
            "a.yaml",
            "bind: ${HOST}:1883\nlevel: $LEVEL\nuser: '${USER}'\ntls: {on: '${TLS:-false}'}\n",
        ),
        (
            "a.ini",
            "bind = ${HOST}:1883\nlevel = $LEVEL\nuser = ${USER}\n[tls]\non = ${TLS:-false}\n",
        ),
        (
            "a.json",
            "{\"bind\": \"${HOST}:1883\", \"level\": \"$LEVEL\", \"user\": \"${USER}\", \"tls\": {\"on\": \"${TLS:-false}\"}}",
        ),
    ];
    for (name, text) in files {
        let words = |environment| {
            let seen = filled(name, text, environment);
            [Guardrail::Bind, Guardrail::Debug, Guardrail::Anonymous, Guardrail::Tls]
                .map(|guardrail| word(&seen, guardrail))
        };
        let open = Some("HOST=0.0.0.0\nLEVEL=debug\nUSER=\nTLS=false\n");
        assert_eq!(words(open), ["off"; 4], "{name}");
        let shut = Some("HOST=192.0.2.1\nLEVEL=info\nUSER=gw\nTLS=true\n");
        assert_eq!(words(shut), ["on"; 4], "{name}");
        // One that is declared nowhere is not one that is absent; a default holds where it is known
        // to be unset.
        assert_eq!(words(Some("OTHER=1\n")), ["open", "open", "open", "off"], "{name}");
        assert_eq!(words(None), ["open"; 4], "{name}");
    }
    let seen = filled("a.yaml", "x: 1\nbind: ${HOST}\n", Some("HOST=0.0.0.0\n"));
    assert_eq!(places(&seen.bind_all_interfaces), ["a.yaml:2:1"]);
    let more = [("a.yaml", "x: 1\n"), ("more.yaml", "bind: $H\n"), ("program.env", "H=0.0.0.0\n")];
    let seen = through(&FILLED.replace("FORMAT", "yaml"), &more);
    assert_eq!(places(&seen.bind_all_interfaces), ["more.yaml:1:1"]);
    // Without the mapping's word nothing is filled in.
    let silent = FILLED.replace("FORMAT", "yaml").replace("interpolation: shell\n", "");
    assert_eq!(word(&through(&silent, &more), Guardrail::Bind), "open");
}

#[test]
fn a_secret_that_a_variable_fills_in_is_not_one_of_the_file_and_never_travels() {
    let secrets = |text: &str, environment: &str| {
        let seen = filled("a.yaml", text, Some(environment));
        let told = serde_json::to_string(&seen).unwrap();
        assert!(!told.contains("c4nary"), "{told}");
        let count = |item: &model::evidence::Item<Vec<model::evidence::SecretPlace>>| {
            item.value().unwrap().len()
        };
        [&seen.secrets_inline, &seen.secrets_known, &seen.secrets_short].map(count)
    };
    let long = "P=c4nary-is-long-enough-to-be-one\n";
    assert_eq!(secrets("pin: ${P}\npassword: $P\n", long), [0, 0, 0]);
    assert_eq!(secrets("pin: ${P}\npassword: $P\n", "P=public\n"), [0, 2, 2]);
    // What stands in the file as a default holds wherever nobody sets the variable.
    assert_eq!(secrets("pin: ${P:-c4nary-by-default}\n", long), [1, 0, 0]);
    assert_eq!(secrets("password: ${P:-c4nary-by-default}\n", "X=1\n"), [1, 0, 0]);
    assert_eq!(secrets("uplink: 'mqtt://gw:${P}@h'\n", long), [0, 0, 0]);
    assert_eq!(secrets("uplink: 'mqtt://gw:${P}@h'\n", "P=guest\n"), [0, 1, 1]);
    assert_eq!(secrets("uplink: 'mqtt://gw:c4nary@${H}'\n", "H=h\n"), [1, 0, 1]);
    assert_eq!(secrets("level: ${P}\nbind: ${P}\nuser: ${P}\ntls: {on: $P}\n", long), [0, 0, 0]);
}

/// The example of the documentation, as it stands there.
#[test]
fn the_example_of_the_documentation_says_what_it_promises() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = std::fs::read_to_string(docs.join("mapping.md")).unwrap();
    let folder = docs.join("examples/mapping");
    for name in ["acme.mapping.yaml", "acme.toml", "conf.d/10-site.toml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(page.contains(&text), "mapping.md does not hold {name} as it is");
    }
    let mut config = declared("acme.toml", ConfigFormat::Auto);
    config.mapping = Some(Source::path("acme.mapping.yaml"));
    config.environment = Some(Source::path("acme.env"));
    let seen = observe(&context(&folder), &config);
    let lists =
        [&seen.auth_anonymous, &seen.tls_plaintext, &seen.bind_all_interfaces, &seen.debug_logging];
    for (list, says) in lists.into_iter().zip([
        "acme.toml:8:1 auth.anonymous",
        "acme.toml:3:1 broker TLS",
        "conf.d/10-site.toml:2:1 broker.listen",
        "acme.env:2:1 log.level",
    ]) {
        let [one] = list.value().unwrap().as_slice() else { panic!("{says}: {list:?}") };
        assert_eq!(format!("{}:{}:{} {}", one.file, one.line, one.column, one.setting), says);
        let place = says.split_once(' ').unwrap().0;
        assert!(page.contains(place), "mapping.md does not tell {place}");
    }
    assert_eq!(places(&seen.overridden), ["acme.toml:4:1", "acme.toml:12:1"]);
}
