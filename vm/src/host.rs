//! What the host lends to a program: arguments, environment, standard streams. Nothing below the command reaches for
//! the process's own; natives of package os take them from here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};

use crate::capabilities::Capabilities;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
    /// How many descriptors the processes that it starts may have open, if that is fewer than this process.
    pub descriptor_limit: Option<u64>,
    stdin: Arc<Mutex<Box<dyn Read + Send>>>,
    stdout: Arc<Mutex<Box<dyn Write + Send>>>,
    stderr: Arc<Mutex<Box<dyn Write + Send>>>,
    /// The files that the program has opened, by the numbers that it knows them by. They are closed when it is gone.
    files: Mutex<HashMap<i64, Arc<File>>>,
    /// How many files and sockets it may have open.
    most_open_files: usize,
    /// How many sockets and pipes it has, which are the scheduler's.
    others: OnceLock<Box<dyn Fn() -> usize + Send + Sync>>,
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
            descriptor_limit: None,
            stdin: Arc::new(Mutex::new(stdin)),
            stdout: Arc::new(Mutex::new(stdout)),
            stderr: Arc::new(Mutex::new(stderr)),
            files: Mutex::default(),
            most_open_files: usize::MAX,
            others: OnceLock::new(),
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

    /// The same host, of a program that may have so many files and sockets open at a time, apart from the standard streams.
    #[must_use]
    pub fn with_open_files(mut self, most: usize) -> Host {
        self.most_open_files = most;
        self
    }

    /// A host that gives the same to another program: the streams are shared, files are each one's own.
    #[must_use]
    pub fn for_another(&self) -> Host {
        Host {
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
            executable: self.executable.clone(),
            descriptor_limit: self.descriptor_limit,
            capabilities: self.capabilities.clone(),
            stdin: Arc::clone(&self.stdin),
            stdout: Arc::clone(&self.stdout),
            stderr: Arc::clone(&self.stderr),
            files: Mutex::default(),
            most_open_files: self.most_open_files,
            others: OnceLock::new(),
        }
    }

    /// Closes all files of the program; one that a call is busy with, when that call is done.
    pub(crate) fn close_files(&self) {
        let files = std::mem::take(&mut *self.files());
        drop(files);
    }

    fn files(&self) -> MutexGuard<'_, HashMap<i64, Arc<File>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An open file of the program.
    pub fn file(&self, number: i64) -> Option<Arc<File>> {
        self.files().get(&number).cloned()
    }

    /// Takes a file among those of the program.
    ///
    /// # Errors
    /// `EMFILE`: it may have no more.
    pub fn adopt(&self, number: i64, file: File) -> std::io::Result<()> {
        let mut files = self.files();
        self.check(files.len())?;
        files.insert(number, Arc::new(file));
        Ok(())
    }

    /// Closes a file of the program; false if there is no such.
    pub fn close(&self, number: i64) -> bool {
        let file = self.files().remove(&number);
        file.is_some()
    }

    /// Whether the program may open another file, socket or pipe.
    ///
    /// # Errors
    /// `EMFILE`: it may not.
    pub fn check_open_files(&self) -> std::io::Result<()> {
        match self.most_open_files {
            usize::MAX => Ok(()),
            _ => self.check(self.files().len()),
        }
    }

    fn check(&self, files: usize) -> std::io::Result<()> {
        let others = || self.others.get().map_or(0, |count| count());
        if self.most_open_files != usize::MAX
            && files.saturating_add(others()) >= self.most_open_files
        {
            return Err(std::io::Error::from_raw_os_error(libc::EMFILE));
        }
        Ok(())
    }

    /// `count` says how many sockets and pipes the program has open.
    pub(crate) fn count_others(&self, count: impl Fn() -> usize + Send + Sync + 'static) {
        // A host is one program's.
        let _ = self.others.set(Box::new(count));
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
