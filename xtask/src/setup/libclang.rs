//! Is there a libclang, with the headers it parses C with?
//!
//! The places looked at are those where the generator of the bindings looks (the
//! crate `clang-sys`), so that what is found here is found there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::sh;

/// The library the build will load. A path in `LIBCLANG_PATH` is the only one tried.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("LIBCLANG_PATH") {
        let chosen = PathBuf::from(chosen);
        return if chosen.is_file() { Some(chosen) } else { libraries(&chosen).next() };
    }
    folders().iter().flat_map(|folder| libraries(folder)).find(|library| has_headers(library))
}

/// Folders that may hold the library, the most telling first.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let llvm_config = env::var_os("LLVM_CONFIG_PATH").unwrap_or_else(|| "llvm-config".into());
    if let Some(prefix) = sh::ask(Command::new(llvm_config).arg("--prefix")) {
        folders.extend(["lib", "lib64"].map(|lib| Path::new(&prefix).join(lib)));
    }
    if cfg!(target_os = "macos") {
        if let Some(tools) = sh::ask(Command::new("xcode-select").arg("--print-path")) {
            folders.push(Path::new(&tools).join("Toolchains/XcodeDefault.xctoolchain/usr/lib"));
        }
        folders.push("/Library/Developer/CommandLineTools/usr/lib".into());
    }
    for variable in ["LD_LIBRARY_PATH", "LIBRARY_PATH"] {
        folders.extend(env::split_paths(&env::var_os(variable).unwrap_or_default()));
    }
    for root in ["/usr/local", "/usr"] {
        let libs = children(Path::new(root)).filter(|path| {
            let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
            name.starts_with("lib") && name != "libexec" || name.starts_with("llvm")
        });
        libs.for_each(|lib| with_subfolders(lib, 2, &mut folders));
    }
    folders
}

/// `folder` and the folders in it, `depth` levels down.
fn with_subfolders(folder: PathBuf, depth: u32, into: &mut Vec<PathBuf>) {
    if !folder.is_dir() {
        return;
    }
    if depth > 0 {
        children(&folder).for_each(|child| with_subfolders(child, depth - 1, into));
    }
    into.push(folder);
}

/// The files in a folder that are libclang by their name.
fn libraries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    children(folder)
        .filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(is_libclang))
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// `libclang.so`, `libclang-14.so`, `libclang.so.14`, `libclang-14.so.1`,
/// `libclang.dylib`; not the C++ interface `libclang-cpp.so`.
fn is_libclang(file: &str) -> bool {
    let Some(rest) = file.strip_prefix("libclang") else { return false };
    if rest == ".dylib" {
        return true;
    }
    let Some((version, soname)) = rest.split_once(".so") else { return false };
    let is_version = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    (version.is_empty() || version.strip_prefix('-').is_some_and(is_version))
        && (soname.is_empty() || soname.strip_prefix('.').is_some_and(is_version))
}

/// Debian's `libclang1` holds the library alone, and with that alone the bindings
/// fail on `stddef.h`; so a library counts only if clang's own headers are near it.
fn has_headers(library: &Path) -> bool {
    let real = fs::canonicalize(library).unwrap_or_default();
    let folders = [library, &real].into_iter().filter_map(Path::parent);
    folders
        .flat_map(|folder| HEADERS.map(|near| folder.join(near)))
        .any(|clang| children(&clang).any(|version| version.join("include/stddef.h").is_file()))
}

/// Where clang keeps its headers, seen from the folder of its library.
const HEADERS: [&str; 4] = ["clang", "../clang", "../lib/clang", "../lib64/clang"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_told_by_its_name() {
        let cases = [
            ("libclang.so", true),
            ("libclang-14.so", true),
            ("libclang-14.0.6.so", true),
            ("libclang.so.14", true),
            ("libclang-14.so.14.0.6", true),
            ("libclang.dylib", true),
            ("libclang-cpp.so", false),
            ("libclang-cpp.so.14", false),
            ("libclang-14.so.debug", false),
            ("libclangAST.a", false),
            ("libclang.a", false),
            ("clang", false),
        ];
        for (file, expected) in cases {
            assert_eq!(is_libclang(file), expected, "{file}");
        }
    }
}
