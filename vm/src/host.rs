//! What the host lends to a program: arguments, environment, standard streams. Nothing below the command reaches for
//! the process's own; natives of package os take them from here.

use std::io::{Read, Write};

use crate::capabilities::Capabilities;
use std::sync::{Arc, Mutex, PoisonError};

/// A shared handle, given to natives.
pub type HostHandle = Arc<Host>;

/// What the program is given. See the module's text.
pub struct Host {
    /// `os.Args`, the program's name first.
    pub arguments: Vec<String>,
    /// `os.Environ`.
    pub environment: Vec<(String, String)>,
    /// `os.Executable`, unless that is the file of this process.
    pub executable: Option<String>,
    /// What it may reach.
    pub capabilities: Capabilities,
    stdin: Mutex<Box<dyn Read + Send>>,
    stdout: Mutex<Box<dyn Write + Send>>,
    stderr: Mutex<Box<dyn Write + Send>>,
}

impl Host {
    /// A host that lets the program reach all that the process may.
    pub fn new(
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
        stdin: Box<dyn Read + Send>,
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
    ) -> Host {
        Host {
            arguments,
            environment,
            executable: None,
            capabilities: Capabilities::all(),
            stdin: Mutex::new(stdin),
            stdout: Mutex::new(stdout),
            stderr: Mutex::new(stderr),
        }
    }

    /// The same host, of a program that may reach only what is said.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Host {
        self.capabilities = capabilities;
        self
    }

    /// A host without arguments, whose streams are empty and go nowhere, of a program that may reach nothing.
    pub fn nothing() -> Host {
        let host = Host::new(
            Vec::new(),
            Vec::new(),
            Box::new(std::io::empty()),
            Box::new(std::io::sink()),
            Box::new(std::io::sink()),
        );
        host.with_capabilities(Capabilities::default())
    }

    /// The environment variable `name`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Reads from standard input; 0 at its end.
    ///
    /// # Errors
    /// As the stream.
    pub fn read_stdin(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.stdin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(buffer)
    }

    /// Writes all of `bytes` to standard output and flushes it.
    ///
    /// # Errors
    /// As the stream.
    pub fn write_stdout(&self, bytes: &[u8]) -> std::io::Result<()> {
        write_all(&self.stdout, bytes)
    }

    /// Writes all of `bytes` to standard error and flushes it.
    ///
    /// # Errors
    /// As the stream.
    pub fn write_stderr(&self, bytes: &[u8]) -> std::io::Result<()> {
        write_all(&self.stderr, bytes)
    }
}

fn write_all(stream: &Mutex<Box<dyn Write + Send>>, bytes: &[u8]) -> std::io::Result<()> {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    stream.write_all(bytes)?;
    stream.flush()
}
