//! Pages of `docs/` that follow from tables in the code.

use std::io;
use std::path::Path;

/// Writes all generated pages.
///
/// # Errors
/// If a page cannot be written.
pub fn write() -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::create_dir_all(&docs)?;
    std::fs::write(
        docs.join("instructions.md"),
        bytecode::reference::markdown(),
    )
}
