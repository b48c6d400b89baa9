//! Is a program one that runs in an image with nothing else in it?
//!
//! Offsets and numbers: System V ABI, chapters "ELF Header" and "Program Header", class ELFCLASS64.

use anyhow::{Context as _, bail, ensure};

use super::catalog::Target;

/// `p_type` of the segment that names the dynamic loader.
const PT_INTERP: u32 = 3;

/// An error unless `program` is a static Linux program for `target`.
pub fn require_static(program: &[u8], target: Target) -> anyhow::Result<()> {
    ensure!(program.starts_with(b"\x7fELF"), "it is not an ELF program");
    ensure!(program.get(4..6) == Some(&[2, 1]), "it is not a 64-bit little-endian program");
    let machine = half(program, 18)?;
    ensure!(
        machine == target.machine(),
        "it is for another processor: ELF machine {machine}, and {} is {}",
        target.triple(),
        target.machine()
    );
    if let Some(loader) = interpreter(program)? {
        bail!(
            "it is dynamically linked: it asks for `{loader}`, which the image does not have. \
             Build it with `-C target-feature=+crt-static`"
        );
    }
    Ok(())
}

/// The dynamic loader that a program asks for.
fn interpreter(program: &[u8]) -> anyhow::Result<Option<String>> {
    let table = offset(program, 32)?;
    let size = usize::from(half(program, 54)?);
    let count = usize::from(half(program, 56)?);
    for number in 0..count {
        let header = number * size;
        let header = table.checked_add(header).context("its program headers are damaged")?;
        if word(program, header)? == PT_INTERP {
            let start = offset(program, header + 8)?;
            let length = offset(program, header + 32)?;
            let end = start.checked_add(length).context("its program headers are damaged")?;
            let path = program.get(start..end).context("its program headers are damaged")?;
            let path = String::from_utf8_lossy(path);
            return Ok(Some(path.trim_end_matches('\0').to_owned()));
        }
    }
    Ok(None)
}

fn bytes<const N: usize>(program: &[u8], at: usize) -> anyhow::Result<[u8; N]> {
    let range = at..at.checked_add(N).context("its headers are damaged")?;
    let bytes = program.get(range).context("its headers are cut off")?;
    Ok(bytes.try_into().expect("the range is N long"))
}

fn half(program: &[u8], at: usize) -> anyhow::Result<u16> {
    Ok(u16::from_le_bytes(bytes(program, at)?))
}

fn word(program: &[u8], at: usize) -> anyhow::Result<u32> {
    Ok(u32::from_le_bytes(bytes(program, at)?))
}

fn offset(program: &[u8], at: usize) -> anyhow::Result<usize> {
    usize::try_from(u64::from_le_bytes(bytes(program, at)?)).context("its headers are damaged")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The smallest ELF file with one program header of type `p_type`, which covers `content`.
    pub fn program(target: Target, p_type: u32, content: &[u8]) -> Vec<u8> {
        let mut elf = vec![0; 64 + 56];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[18..20].copy_from_slice(&target.machine().to_le_bytes());
        elf[32..40].copy_from_slice(&64_u64.to_le_bytes());
        elf[54..56].copy_from_slice(&56_u16.to_le_bytes());
        elf[56..58].copy_from_slice(&1_u16.to_le_bytes());
        elf[64..68].copy_from_slice(&p_type.to_le_bytes());
        elf[72..80].copy_from_slice(&120_u64.to_le_bytes());
        elf[96..104].copy_from_slice(&(content.len() as u64).to_le_bytes());
        elf.extend(content);
        elf
    }

    fn refused(program: &[u8], target: Target) -> String {
        require_static(program, target).unwrap_err().to_string()
    }

    #[test]
    fn a_static_program_is_taken() {
        require_static(&program(Target::X86, 1, b""), Target::X86).unwrap();
        require_static(&program(Target::Arm, 1, b""), Target::Arm).unwrap();
    }

    #[test]
    fn a_dynamic_program_is_refused_with_the_loader_that_it_asks_for() {
        let dynamic = program(Target::X86, PT_INTERP, b"/lib64/ld-linux-x86-64.so.2\0");
        let refused = refused(&dynamic, Target::X86);
        assert!(refused.contains("dynamically linked"), "{refused}");
        assert!(refused.contains("`/lib64/ld-linux-x86-64.so.2`"), "{refused}");
        assert!(refused.contains("+crt-static"), "{refused}");
    }

    #[test]
    #[cfg(all(target_os = "linux", not(target_feature = "crt-static")))]
    fn this_very_test_is_dynamic_and_refused() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(refused(&own, Target::HOST).contains("dynamically linked"));
    }

    #[test]
    fn a_program_for_another_processor_is_refused() {
        let refused = refused(&program(Target::Arm, 1, b""), Target::X86);
        assert!(refused.contains("another processor: ELF machine 183"), "{refused}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(refused(b"#!/bin/sh\n", Target::X86).contains("not an ELF program"));
        assert!(refused(b"", Target::X86).contains("not an ELF program"));
        assert!(refused(b"\x7fELF\x01\x01", Target::X86).contains("not a 64-bit"));
    }

    #[test]
    fn damaged_headers_are_an_error_at_every_length_and_offset() {
        let whole = program(Target::X86, PT_INTERP, b"/lib/ld.so\0");
        for length in 0..whole.len() {
            assert!(require_static(&whole[..length], Target::X86).is_err(), "{length} bytes");
        }
        for field in [32, 72, 96] {
            let mut far = whole.clone();
            far[field..field + 8].copy_from_slice(&u64::MAX.to_le_bytes());
            assert!(refused(&far, Target::X86).contains("damaged"), "field at {field}");
        }
    }
}
