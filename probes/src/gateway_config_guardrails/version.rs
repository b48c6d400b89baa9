//! Versions of programs, as far as defaults depend on them.

/// Major, minor and patch number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number, 0 where there is none.
    pub minor: u32,
    /// Third number, 0 where there is none.
    pub patch: u32,
}

impl Version {
    /// Reads `2`, `2.0.11`, `v2.1.2`, `2.0.11-1+deb12u1`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut numbers = text[..end].trim_end_matches('.').split('.').map(str::parse);
        let major = numbers.next()?.ok()?;
        let mut rest = || numbers.next().map_or(Some(0), Result::ok);
        Some(Self { major, minor: rest()?, patch: rest()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_packages_and_images_are_read() {
        let version = |major, minor, patch| Some(Version { major, minor, patch });
        assert_eq!(Version::parse("2.0.11"), version(2, 0, 11));
        assert_eq!(Version::parse("v2.1"), version(2, 1, 0));
        assert_eq!(Version::parse("2.0.11-1.2+deb12u1"), version(2, 0, 11));
        assert_eq!(Version::parse("2-openssl"), version(2, 0, 0));
        for text in ["", "latest", "99999999999", "2..1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
