//! Configurations of sessions, from the bytes that the golite side makes of a `tls.Config`, and how certificates are verified.
//!
//! The bytes are fields, each behind its length in four bytes, the highest first. Lists are fields of fields. In this order: a field
//! of six bytes (lowest and highest version's last byte, 1 to verify a server, the kind of authentication that a server asks of clients,
//! the kind of the key, 1 if a server gives tickets), the roots' number in eight bytes, protocols, certificates, the key, cipher suites and groups of two bytes each.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
    ServerName, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};

/// Certificates that are trusted.
#[derive(Debug)]
pub struct Roots {
    store: Arc<RootCertStore>,
    /// The certificates themselves: one of them is trusted without an issuer, as Go does.
    own: HashSet<Vec<u8>>,
}

impl Roots {
    /// Of a list of certificates; those that cannot be read are left out.
    pub fn new(list: &[u8]) -> Roots {
        let mut store = RootCertStore::empty();
        let mut own = HashSet::new();
        for certificate in fields(list) {
            let _ = store.add(CertificateDer::from(certificate.to_vec()));
            own.insert(certificate.to_vec());
        }
        Roots {
            store: Arc::new(store),
            own,
        }
    }
}

/// The fields of a list, as far as they are whole.
pub fn fields(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = rest;
        Some(field)
    })
}

/// Appends a field to a list.
pub fn push_field(list: &mut Vec<u8>, field: &[u8]) {
    list.extend_from_slice(&(field.len() as u32).to_be_bytes());
    list.extend_from_slice(field);
}

/// What the bytes say; see the module's text.
struct Settings<'a> {
    lowest: u8,
    highest: u8,
    verify: bool,
    client_auth: u8,
    key_kind: u8,
    tickets: bool,
    roots: i64,
    protocols: Vec<Vec<u8>>,
    certificates: Vec<CertificateDer<'static>>,
    key: &'a [u8],
    suites: Vec<u16>,
    groups: Vec<u16>,
}

impl<'a> Settings<'a> {
    fn read(bytes: &'a [u8]) -> Settings<'a> {
        let mut all = fields(bytes);
        let mut next = || all.next().unwrap_or_default();
        let small = next().first_chunk::<6>().copied().unwrap_or_default();
        let number = next().first_chunk::<8>().copied().unwrap_or_default();
        let protocols = fields(next()).map(<[u8]>::to_vec).collect();
        let certificates = fields(next())
            .map(|der| CertificateDer::from(der.to_vec()))
            .collect();
        let key = next();
        let mut pairs = || {
            let pairs = next().as_chunks::<2>().0.iter();
            pairs.map(|pair| u16::from_be_bytes(*pair)).collect()
        };
        Settings {
            lowest: small[0],
            highest: small[1],
            verify: small[2] != 0,
            client_auth: small[3],
            key_kind: small[4],
            tickets: small[5] != 0,
            roots: i64::from_be_bytes(number),
            protocols,
            certificates,
            key,
            suites: pairs(),
            groups: pairs(),
        }
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let known = [(3, &rustls::version::TLS12), (4, &rustls::version::TLS13)];
        known
            .into_iter()
            .filter(|(number, _)| (self.lowest..=self.highest).contains(number))
            .map(|(_, version)| version)
            .collect()
    }

    /// The provider with the cipher suites (of TLS 1.2; those of 1.3 cannot be chosen) and groups that are wanted.
    fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = default_provider();
        if !self.suites.is_empty() {
            provider.cipher_suites.retain(|suite| match suite {
                SupportedCipherSuite::Tls13(_) => true,
                SupportedCipherSuite::Tls12(_) => self.suites.contains(&u16::from(suite.suite())),
            });
        }
        if !self.groups.is_empty() {
            let wanted = |group: &u16| {
                let all = default_provider().kx_groups;
                all.into_iter()
                    .find(|known| u16::from(known.name()) == *group)
            };
            let chosen: Vec<_> = self.groups.iter().filter_map(wanted).collect();
            if !chosen.is_empty() {
                provider.kx_groups = chosen;
            }
        }
        Arc::new(provider)
    }
}

thread_local! {
    /// The certificates that were presented last on this thread, a list: what a session whose handshake fails has of them.
    static PRESENTED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn present(end_entity: &CertificateDer<'_>, others: &[CertificateDer<'_>]) {
    let mut list = Vec::new();
    push_field(&mut list, end_entity);
    for other in others {
        push_field(&mut list, other);
    }
    PRESENTED.set(list);
}

/// Takes what was presented last, within the same step of a handshake.
pub fn take_presented() -> Vec<u8> {
    PRESENTED.take()
}

/// A private key from its bytes: 1 is PKCS #8, 2 PKCS #1, 3 SEC 1.
pub fn private_key(kind: i64, der: &[u8]) -> PrivateKeyDer<'static> {
    let der = der.to_vec();
    match kind {
        2 => PrivatePkcs1KeyDer::from(der).into(),
        3 => PrivateSec1KeyDer::from(der).into(),
        _ => PrivatePkcs8KeyDer::from(der).into(),
    }
}

/// How many configurations of each kind are kept for those who come again.
const KEPT: usize = 64;

struct Kept<T>(Mutex<HashMap<Vec<u8>, Arc<T>>>);

impl<T> Kept<T> {
    fn get_or_make(
        &self,
        bytes: &[u8],
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known().get(bytes) {
            return Ok(config.clone());
        }
        let config = Arc::new(make()?);
        let mut known = known();
        if known.len() >= KEPT {
            known.clear();
        }
        Ok(known.entry(bytes.to_vec()).or_insert(config).clone())
    }
}

static CLIENTS: LazyLock<Kept<ClientConfig>> = LazyLock::new(|| Kept(Mutex::new(HashMap::new())));
static SERVERS: LazyLock<Kept<ServerConfig>> = LazyLock::new(|| Kept(Mutex::new(HashMap::new())));

/// The configuration of a client; `roots` finds roots by their number.
pub fn client(
    bytes: &[u8],
    roots: impl FnOnce(i64) -> Arc<Roots>,
) -> Result<Arc<ClientConfig>, Error> {
    CLIENTS.get_or_make(bytes, || {
        let settings = Settings::read(bytes);
        let provider = settings.provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&settings.versions())?;
        let verifier = Verifier {
            provider,
            roots: settings.verify.then(|| roots(settings.roots)),
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match settings.certificates.is_empty() {
            true => builder.with_no_client_auth(),
            false => {
                let key = private_key(i64::from(settings.key_kind), settings.key);
                builder.with_client_auth_cert(settings.certificates, key)?
            }
        };
        config.alpn_protocols = settings.protocols;
        Ok(config)
    })
}

/// The configuration of a server.
pub fn server(
    bytes: &[u8],
    roots: impl FnOnce(i64) -> Arc<Roots>,
) -> Result<Arc<ServerConfig>, Error> {
    SERVERS.get_or_make(bytes, || {
        let settings = Settings::read(bytes);
        let provider = settings.provider();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&settings.versions())?;
        let asks = ClientAuthentication::of(settings.client_auth);
        let builder = match asks {
            ClientAuthentication::None => builder.with_no_client_auth(),
            asks => builder.with_client_cert_verifier(Arc::new(ClientVerifier {
                provider,
                roots: roots(settings.roots),
                asks,
            })),
        };
        let key = private_key(i64::from(settings.key_kind), settings.key);
        let mut config = builder.with_single_cert(settings.certificates, key)?;
        config.alpn_protocols = settings.protocols;
        if !settings.tickets {
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    })
}

/// Verifies servers as Go does: validity, name, chain. Without roots everybody is believed.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    roots: Option<Arc<Roots>>,
}

fn is_about_time(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        )
    )
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        present(end_entity, intermediates);
        let Some(roots) = &self.roots else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let chain = rustls::client::verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &roots.store,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        );
        if let Err(error) = &chain
            && is_about_time(error)
        {
            return Err(error.clone());
        }
        rustls::client::verify_server_name(&parsed, server_name)?;
        if !roots.own.contains(end_entity.as_ref()) {
            chain?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What a server asks of its clients, by the numbers of `tls.ClientAuthType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientAuthentication {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl ClientAuthentication {
    fn of(number: u8) -> ClientAuthentication {
        match number {
            1 => ClientAuthentication::Request,
            2 => ClientAuthentication::RequireAny,
            3 => ClientAuthentication::VerifyIfGiven,
            4 => ClientAuthentication::RequireAndVerify,
            _ => ClientAuthentication::None,
        }
    }
}

#[derive(Debug)]
struct ClientVerifier {
    provider: Arc<CryptoProvider>,
    roots: Arc<Roots>,
    asks: ClientAuthentication,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        use ClientAuthentication::{RequireAndVerify, RequireAny};
        matches!(self.asks, RequireAny | RequireAndVerify)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        use ClientAuthentication::{Request, RequireAny};
        present(end_entity, intermediates);
        if matches!(self.asks, Request | RequireAny) {
            return Ok(ClientCertVerified::assertion());
        }
        if self.roots.store.is_empty() {
            return Err(CertificateError::UnknownIssuer.into());
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(
            self.roots.store.clone(),
            self.provider.clone(),
        )
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
        match verifier.verify_client_cert(end_entity, intermediates, now) {
            Err(error)
                if !is_about_time(&error) && self.roots.own.contains(end_entity.as_ref()) =>
            {
                Ok(ClientCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
