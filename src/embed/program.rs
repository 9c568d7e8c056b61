//! Compiled programs.

use std::sync::{Arc, OnceLock};

use diagnostics::SourceMap;
use vm::{LinkError, Linked};

use super::builder::Golite;
use super::error::Error;
use super::vm::{Vm, VmBuilder};

/// A program that was compiled. Immutable, and cheap to clone.
#[derive(Clone)]
pub struct Program {
    pub(super) shared: Arc<Compiled>,
}

pub(super) struct Compiled {
    pub(super) golite: Golite,
    pub(super) code: bytecode::Program,
    pub(super) sources: Arc<SourceMap>,
    /// What all VMs share, once the first is made.
    linked: OnceLock<Result<Arc<Linked>, LinkError>>,
}

impl Compiled {
    /// The program as VMs run it.
    pub(super) fn linked(&self) -> Result<Arc<Linked>, Error> {
        let linked = self
            .linked
            .get_or_init(|| Linked::new(self.code.clone(), self.golite.natives()));
        linked
            .clone()
            .map_err(|error| Error::Host(error.to_string()))
    }
}

impl Program {
    pub(super) fn new(golite: Golite, code: bytecode::Program, sources: SourceMap) -> Program {
        Program {
            shared: Arc::new(Compiled {
                golite,
                code,
                sources: Arc::new(sources),
                linked: OnceLock::new(),
            }),
        }
    }

    /// The names of the functions that a host can call, sorted.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let exports = self.shared.code.exports.iter();
        exports.flat_map(|exports| exports.functions.iter().map(|export| export.name.as_str()))
    }

    /// The program as bytes, to be kept and to be run without its text: [`Golite::load`]. Sealed if the host has a [key](super::Builder::key).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = bytecode::image::to_bytes(&self.shared.code, &self.shared.sources);
        if let Some(seal) = self.shared.golite.seal() {
            seal.close(&mut bytes);
        }
        bytes
    }

    /// Begins to say what a VM of this program is given and may take.
    pub fn vm(&self) -> VmBuilder {
        VmBuilder::new(self.clone())
    }

    /// A VM that is given nothing and has no limits: the program's packages are initialised.
    ///
    /// # Errors
    /// As [`VmBuilder::start`].
    pub fn start(&self) -> Result<Vm, Error> {
        self.vm().start()
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("functions", &self.functions().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
