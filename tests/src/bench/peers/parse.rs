//! What each tool prints for programs, read.

use anyhow::{Context as _, bail};
use probes::tls::names::SSL2;
use serde_json::Value;

use super::seen::{Groups, Pairs, Seen, group, kind, suite, version};

/// Evidence of `plumb probe broker_transport_posture --full`.
pub(super) fn plumb(text: &str) -> anyhow::Result<Seen> {
    let evidence: Value = serde_json::from_str(text)?;
    let list = |pointer: &str| {
        let item = &evidence["stable"][pointer];
        item["value"].as_array().with_context(|| format!("{pointer} is {item}"))
    };
    if evidence["stable"]["/tls/full/suites"]["status"] == "refused" {
        return Ok(Seen { groups: Groups::Each(Pairs::new()), ..Seen::default() });
    }
    let mut seen = Seen::default();
    for entry in list("/tls/full/suites")? {
        seen.suites.insert(pair(entry, "suite", suite)?);
    }
    let groups = list("/tls/full/groups")?.iter().map(|entry| pair(entry, "group", group));
    seen.groups = Groups::Each(groups.collect::<anyhow::Result<_>>()?);
    Ok(seen)
}

fn pair(entry: &Value, key: &str, code: fn(&str) -> Option<u16>) -> anyhow::Result<(u16, u16)> {
    let word = |key: &str| entry[key].as_str().unwrap_or_default();
    Ok((named(word("version"), version)?, named(word(key), code)?))
}

fn named(name: &str, code: fn(&str) -> Option<u16>) -> anyhow::Result<u16> {
    code(name).with_context(|| format!("`{name}` is a name that nobody knows"))
}

/// `sslyze --json_out`.
pub(super) fn sslyze(text: &str) -> anyhow::Result<Seen> {
    let report: Value = serde_json::from_str(text)?;
    let server = &report["server_scan_results"][0];
    let Some(attempts) = server["scan_result"].as_object() else {
        // It looks first whether it can connect, and where it finds no way it lists nothing.
        if server["connectivity_status"] == "ERROR" {
            return Ok(Seen { groups: Groups::Together([].into()), ..Seen::default() });
        }
        bail!("sslyze scanned nothing, and does not say that it cannot connect");
    };
    let mut seen = Seen::default();
    for (name, attempt) in attempts {
        let Some(version) = name.strip_suffix("_cipher_suites") else { continue };
        let accepted = attempt["result"]["accepted_cipher_suites"].as_array();
        for entry in accepted.into_iter().flatten() {
            let name = entry["cipher_suite"]["name"].as_str().unwrap_or_default();
            seen.suites.insert((named(version, self::version)?, named(name, suite)?));
        }
    }
    // Where it finds no ECDHE, it lists none.
    if let Some(curves) = attempts.get("elliptic_curves") {
        let listed = curves["result"]["supported_curves"].as_array();
        let names = listed.into_iter().flatten().filter_map(|curve| curve["name"].as_str());
        seen.groups = Groups::Together(names.filter_map(group).collect());
    }
    Ok(seen)
}

/// `sslscan --xml`.
pub(super) fn sslscan(text: &str) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut groups = Pairs::new();
    for tag in tags(text) {
        let code = || {
            let id = attribute(tag, "id").unwrap_or_default().trim_start_matches("0x");
            u16::from_str_radix(id, 16).with_context(|| format!("`{tag}` has no code point"))
        };
        let version = || named(attribute(tag, "sslversion").unwrap_or_default(), version);
        if tag.starts_with("cipher ") {
            seen.suites.insert((version()?, code()?));
        } else if tag.starts_with("group ") {
            groups.insert((version()?, code()?));
        }
    }
    if !text.contains("</document>") {
        bail!("sslscan did not finish");
    }
    seen.groups = Groups::Each(groups);
    Ok(seen)
}

/// `nmap --script ssl-enum-ciphers,sslv2 -oX`.
pub(super) fn nmap(text: &str) -> anyhow::Result<Seen> {
    if !text.contains("</nmaprun>") {
        bail!("nmap did not finish");
    }
    let mut seen = Seen::default();
    let mut within = None;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(key) = rest.strip_prefix("table key=\"").and_then(|rest| rest.split('"').next())
        {
            within = version(key).or(within);
        } else if let Some(content) = rest.strip_prefix("elem key=\"name\">")
            && let Some(version) = within
        {
            let name = content.split('<').next().unwrap_or_default();
            seen.suites.insert((version, named(name, suite)?));
        } else if let Some(content) = rest.strip_prefix("elem>SSL2_") {
            let name = content.split('<').next().unwrap_or_default();
            seen.suites.insert((SSL2, named(&format!("SSL2_{name}"), suite)?));
        }
    }
    Ok(seen)
}

/// `testssl -E --jsonfile`.
pub(super) fn testssl(text: &str) -> anyhow::Result<Seen> {
    let report: Value = serde_json::from_str(text)?;
    let findings = report.as_array().context("testssl gives a list")?;
    let mut seen = Seen::default();
    for id in findings.iter().filter_map(|finding| finding["id"].as_str()) {
        let Some((version, code)) =
            id.strip_prefix("cipher-").and_then(|words| words.rsplit_once("_x"))
        else {
            continue;
        };
        let version = named(version, self::version)?;
        let code = u32::from_str_radix(code, 16).with_context(|| format!("`{id}`"))?;
        let code = if version == SSL2 { kind(code) } else { u16::try_from(code).ok() };
        seen.suites.insert((version, code.with_context(|| format!("`{id}`"))?));
    }
    if !findings.iter().any(|finding| finding["id"] == "scanTime") {
        bail!("testssl did not finish");
    }
    Ok(seen)
}

fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter_map(|tag| tag.split('>').next())
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn evidence_of_ours_gives_suites_and_groups_of_every_version() {
        let seen = plumb(
            r#"{"stable": {"/tls/full/suites": {"status": "observed", "value": [
                {"version": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256"}]},
                "/tls/full/groups": {"status": "observed", "value": [
                {"version": "TLSv1.3", "group": "x25519"}]}}}"#,
        )
        .unwrap();
        assert_eq!(seen.suites, BTreeSet::from([(0x0304, 0x1301)]));
        assert_eq!(seen.groups, Groups::Each(BTreeSet::from([(0x0304, 0x001d)])));
        let refused = r#"{"stable": {"/tls/full/suites": {"status": "refused", "reason": "no"}}}"#;
        assert_eq!(plumb(refused).unwrap().suites, BTreeSet::new());
        let late = r#"{"stable": {"/tls/full/suites": {"status": "timeout", "reason": "late"}}}"#;
        assert!(plumb(late).unwrap_err().to_string().contains("timeout"));
    }

    #[test]
    fn sslyze_gives_suites_of_every_version_and_curves_of_none() {
        let seen = sslyze(
            r#"{"server_scan_results": [{"scan_status": "COMPLETED", "scan_result": {
                "tls_1_2_cipher_suites": {"status": "COMPLETED", "result": {
                    "accepted_cipher_suites": [{"cipher_suite": {
                        "name": "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256", "is_anonymous": false,
                        "key_size": 256, "openssl_name": "CAMELLIA256-SHA256"},
                        "ephemeral_key": null}]}},
                "ssl_2_0_cipher_suites": {"status": "COMPLETED",
                    "result": {"accepted_cipher_suites": []}},
                "elliptic_curves": {"status": "COMPLETED", "result": {
                    "supported_curves": [{"name": "X25519", "openssl_nid": 1034}],
                    "rejected_curves": [{"name": "X448", "openssl_nid": 1035}]}}}}]}"#,
        )
        .unwrap();
        assert_eq!(seen.suites, BTreeSet::from([(0x0303, 0x00c0)]));
        assert_eq!(seen.groups, Groups::Together(BTreeSet::from([0x001d])));
        let nothing = r#"{"server_scan_results": [{"scan_status": "ERROR_NO_CONNECTIVITY",
            "scan_result": null, "connectivity_status": "ERROR"}]}"#;
        assert_eq!(sslyze(nothing).unwrap().suites, BTreeSet::new());
        assert!(sslyze("{}").is_err());
    }

    #[test]
    fn sslscan_gives_suites_and_groups_of_every_version() {
        let seen = sslscan(
            r#"<document title="SSLScan Results" version="2.0.7">
 <ssltest host="127.0.0.1" sniname="127.0.0.1" port="47620">
  <protocol type="tls" version="1.2" enabled="1" />
  <cipher status="accepted" sslversion="TLSv1.2" bits="256" cipher="ECDHE-ARIA256-GCM-SHA384" id="0xC061" strength="strong" curve="25519" ecdhebits="253" />
  <group sslversion="TLSv1.2" bits="128" name="secp256r1 (NIST P-256)" id="0x0017" />
 </ssltest>
</document>"#,
        )
        .unwrap();
        assert_eq!(seen.suites, BTreeSet::from([(0x0303, 0xc061)]));
        assert_eq!(seen.groups, Groups::Each(BTreeSet::from([(0x0303, 0x0017)])));
        assert!(sslscan("<document><ssltest>").is_err());
    }

    #[test]
    fn nmap_gives_suites_by_names_of_its_own() {
        let seen = nmap(
            r#"<nmaprun><script id="ssl-enum-ciphers" output="TLSv1.3: &#xa;"><table key="TLSv1.2">
<table key="ciphers">
<table>
<elem key="strength">A</elem>
<elem key="name">TLS_DHE_RSA_WITH_AES_128_CBC_SHA</elem>
<elem key="kex_info">dh 1024</elem>
</table>
</table>
<elem key="cipher preference">client</elem>
</table>
<table key="TLSv1.3">
<table key="ciphers">
<table>
<elem key="name">TLS_AKE_WITH_AES_256_GCM_SHA384</elem>
</table>
</table>
</table></script><script id="sslv2" output="&#xa;  SSLv2 supported"><elem>SSLv2 supported</elem>
<table key="ciphers">
<elem>SSL2_RC4_128_WITH_MD5</elem>
</table></script></nmaprun>"#,
        )
        .unwrap();
        let suites = [(0x0002, 0x0180), (0x0303, 0x0033), (0x0304, 0x1302)];
        assert_eq!(seen.suites, BTreeSet::from(suites));
        assert_eq!(seen.groups, Groups::Unlisted);
    }

    #[test]
    fn testssl_gives_suites_by_code_point() {
        let seen = testssl(
            r#"[{"id": "cipher-tls1_x39", "severity": "INFO", "finding": "TLS 1   x39"},
                {"id": "cipher-ssl2_x040080", "severity": "INFO", "finding": "SSLv2   x040080"},
                {"id": "cipher-tls1_3_x1302", "severity": "INFO", "finding": "TLS 1.3   x1302"},
                {"id": "scanTime", "severity": "INFO", "finding": "75"}]"#,
        )
        .unwrap();
        let suites = [(0x0002, 0x0480), (0x0301, 0x0039), (0x0304, 0x1302)];
        assert_eq!(seen.suites, BTreeSet::from(suites));
        assert!(testssl("[]").is_err());
    }
}
