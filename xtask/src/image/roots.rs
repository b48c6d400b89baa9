//! The certificate authorities that an image trusts: Mozilla's list as `Cargo.lock` pins it, so
//! that the same commit gives the same bytes on every machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters in a line of PEM (RFC 7468, section 2).
const LINE: usize = 64;

/// The bundle, in PEM.
pub fn bundle() -> String {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|certificate| pem(certificate)).collect()
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line));
    let lines: Vec<_> = lines.collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_holds_every_certificate_of_the_list_unchanged() {
        let bundle = bundle();
        let mut read = Vec::new();
        for block in bundle.split("-----BEGIN CERTIFICATE-----\n").skip(1) {
            let body = block.strip_suffix("\n-----END CERTIFICATE-----\n").unwrap();
            assert!(body.lines().all(|line| line.len() <= LINE));
            read.push(STANDARD.decode(body.replace('\n', "")).unwrap());
        }
        let list: Vec<_> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().collect();
        assert!(list.len() > 100, "{} certificates", list.len());
        assert_eq!(read.len(), list.len());
        assert!(read.iter().zip(list).all(|(read, listed)| read.as_slice() == listed.as_ref()));
    }
}
