//! Packed charts: a gzipped tar with one folder in it, read in memory.

use std::{io::Read, sync::Arc};

use flate2::read::MultiGzDecoder;

use crate::engine::helm::template::fault::Fault;

/// The most bytes that a chart's archive may unpack to, as in helm; also the most of all archives of a render together.
pub const MAX_UNPACKED: u64 = 100 << 20;

/// The largest file of an archive, as in helm.
pub const MAX_FILE: u64 = 5 << 20;

/// An unpacked archive.
#[derive(Debug)]
pub struct Archive {
    /// The files in the order of the archive.
    pub files: Vec<ArchivedFile>,
    /// The bytes of all files.
    pub size: u64,
}

/// A file of an archive.
#[derive(Debug)]
pub struct ArchivedFile {
    /// The name in the archive.
    pub full_name: Arc<str>,
    /// The name in the chart: without the outermost folder.
    pub name: String,
    /// The bytes.
    pub content: Arc<[u8]>,
}

impl Archive {
    /// Unpacks an archive by helm's rules.
    ///
    /// # Errors
    /// A failure for what helm refuses as well; a limit for what is too large, counted while reading, so that no header is
    /// trusted.
    pub fn unpack(packed: &[u8]) -> Result<Self, Fault> {
        let unreadable = |error: std::io::Error| Fault::failed(format!("the archive cannot be unpacked: {error}"));
        // The tar format adds up to a block to each file and a header before it.
        let unpacked = MultiGzDecoder::new(packed).take(2 * MAX_UNPACKED);
        let mut reader = tar::Archive::new(unpacked);
        let (mut files, mut size) = (Vec::new(), 0);
        for entry in reader.entries().map_err(unreadable)? {
            let mut entry = entry.map_err(unreadable)?;
            let kind = entry.header().entry_type();
            let full_name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if kind.is_dir() || full_name.ends_with('/') || kind.is_pax_global_extensions() {
                continue;
            }
            let name = name_in_chart(&full_name)?;
            let mut content = Vec::new();
            entry.by_ref().take(MAX_FILE + 1).read_to_end(&mut content).map_err(unreadable)?;
            size += content.len() as u64;
            if content.len() as u64 > MAX_FILE {
                return Err(Fault::failed(format!("the archive's file {full_name:?} is larger than {MAX_FILE} bytes")));
            }
            if size >= MAX_UNPACKED {
                return Err(Fault::failed(format!("the archive unpacks to more than {MAX_UNPACKED} bytes")));
            }
            files.push(ArchivedFile { full_name: full_name.into(), name, content: content.into() });
        }
        if files.is_empty() {
            return Err(Fault::failed("no files in chart archive"));
        }
        Ok(Self { files, size })
    }
}

/// The name without the outermost folder, cleaned.
fn name_in_chart(full: &str) -> Result<String, Fault> {
    let delimiter = if full.contains('\\') { '\\' } else { '/' };
    let (top, rest) = full.split_once(delimiter).unwrap_or((full, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err(Fault::failed("chart illegally contains absolute paths"));
    }
    let name = clean(&rest);
    if name == "." {
        return Err(Fault::failed(format!("chart illegally contains content outside the base directory: {full:?}")));
    }
    if name.starts_with("..") {
        return Err(Fault::failed("chart illegally references parent directory"));
    }
    let drive = name.as_bytes();
    if drive.len() > 2 && drive[0].is_ascii_alphabetic() && &drive[1..3] == b":/" {
        return Err(Fault::failed("chart contains illegally named files"));
    }
    if top == "Chart.yaml" {
        return Err(Fault::failed("chart yaml not in base directory"));
    }
    Ok(name)
}

/// Go's `path.Clean` of a relative path.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// An archive of files by name.
    fn pack(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut packed = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().expect("a GNU header").name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            packed.append(&header, *content).expect("packs");
        }
        let mut encoder = packed.into_inner().expect("packs");
        encoder.flush().expect("packs");
        encoder.finish().expect("packs")
    }

    #[test]
    fn names_lose_their_folder() {
        let archive =
            Archive::unpack(&pack(&[("c/Chart.yaml", b"a"), ("c\\templates\\x.yaml", b"b"), ("c/a/../b", b"")]));
        let names: Vec<_> = archive.expect("unpacks").files.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["Chart.yaml", "templates/x.yaml", "b"]);
    }

    #[test]
    fn hostile_archives_are_refused() {
        for (name, why) in [
            ("c/../../x", "references parent directory"),
            ("c//etc/passwd", "absolute paths"),
            ("c/c:/x", "illegally named"),
            ("Chart.yaml", "outside the base directory"),
            ("Chart.yaml/x", "not in base directory"),
        ] {
            let error = Archive::unpack(&pack(&[(name, b"x")])).expect_err(name);
            assert!(error.message.contains(why), "{name}: {error}");
        }
        assert!(Archive::unpack(&pack(&[])).expect_err("empty").message.contains("no files"));
        assert!(Archive::unpack(b"no gzip").expect_err("no gzip").message.contains("cannot be unpacked"));
        let large = vec![0; MAX_FILE as usize + 1];
        assert!(Archive::unpack(&pack(&[("c/x", &large)])).expect_err("large").message.contains("larger than"));
        let bomb: Vec<(&str, &[u8])> = vec![("c/x", &large[1..]); 21];
        assert!(Archive::unpack(&pack(&bomb)).expect_err("bomb").message.contains("unpacks to more"));
    }
}
