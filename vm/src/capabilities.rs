//! What a program may reach outside its own memory. The natives of packages os, net and the like ask before they do anything.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module's text. `Default` is nothing at all.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// Files and folders.
    pub files: Files,
    /// Hosts and ports.
    pub network: Network,
    /// Other processes: to start them and to signal them.
    pub processes: bool,
    /// What belongs to the whole process: its signals, its working directory, its open descriptors, the names of machine and executable.
    pub system: bool,
}

/// The files that a program may reach.
#[derive(Clone, Debug)]
pub enum Files {
    /// All that the process may.
    All,
    /// Those below these folders.
    Below(Vec<Folder>),
}

impl Default for Files {
    fn default() -> Files {
        Files::Below(Vec::new())
    }
}

/// A folder that a program may reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// Its path: absolute, without symbolic links.
    pub path: PathBuf,
    /// What is below may be changed.
    pub writable: bool,
}

/// The network that a program may reach.
#[derive(Clone, Debug)]
pub enum Network {
    /// All that the process may.
    All,
    /// These hosts and ports, to connect to and to listen at.
    Only(Peers),
}

impl Default for Network {
    fn default() -> Network {
        Network::Only(Peers::default())
    }
}

/// Hosts and ports.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// A host's name or address, and a port; `None`: any port.
    allowed: Vec<(String, Option<u16>)>,
    /// Which names an address was found for.
    found: Arc<Mutex<HashMap<IpAddr, Vec<String>>>>,
}

impl Peers {
    /// These hosts and ports.
    pub fn new(allowed: Vec<(String, Option<u16>)>) -> Peers {
        Peers {
            allowed,
            found: Arc::default(),
        }
    }

    fn may_look_up(&self, host: &str) -> bool {
        self.allowed
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(host))
    }

    fn allows(&self, address: SocketAddr) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let names = found.get(&address.ip()).map_or(&[][..], Vec::as_slice);
        let text = address.ip().to_string();
        self.allowed.iter().any(|(host, port)| {
            port.is_none_or(|port| port == address.port())
                && (*host == text || names.iter().any(|name| name.eq_ignore_ascii_case(host)))
        })
    }
}

impl Capabilities {
    /// All that the process may.
    pub fn all() -> Capabilities {
        Capabilities {
            files: Files::All,
            network: Network::All,
            processes: true,
            system: true,
        }
    }

    /// Whether a host's name may be looked up.
    pub fn may_look_up(&self, host: &str) -> bool {
        match &self.network {
            Network::All => true,
            Network::Only(peers) => peers.may_look_up(host),
        }
    }

    /// Notes what a look-up has found: the addresses stand for the name.
    pub fn found(&self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        if let Network::Only(peers) = &self.network {
            let mut found = peers.found.lock().unwrap_or_else(PoisonError::into_inner);
            for address in addresses {
                let names = found.entry(address).or_default();
                if !names.iter().any(|name| name == host) {
                    names.push(host.to_owned());
                }
            }
        }
    }

    /// Whether an address may be connected to or listened at; `None` stands for one that is no host's and port's.
    pub fn allows(&self, address: Option<SocketAddr>) -> bool {
        match &self.network {
            Network::All => true,
            Network::Only(peers) => address.is_some_and(|address| peers.allows(address)),
        }
    }
}
