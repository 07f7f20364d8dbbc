//! Whom TLS trusts. The provider of its cryptography is named here, never left to the process.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Whom to trust; cheap to clone, one for all clients of a run.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The certificate authorities of the web.
    #[must_use]
    pub fn web() -> Trust {
        static WEB: OnceLock<Option<Trust>> = OnceLock::new();
        let build = || {
            let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
            Trust::of_roots(roots).ok()
        };
        WEB.get_or_init(build).clone().unwrap_or_else(Trust::anyone)
    }

    /// Only the certificates of a PEM file.
    ///
    /// # Errors
    /// What is wrong with the file, as a fragment of a sentence.
    pub fn pem(pem: &[u8]) -> Result<Trust, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("not a PEM file: {error}"))?;
            roots.add(certificate).map_err(|error| format!("not a certificate: {error}"))?;
        }
        if roots.is_empty() {
            return Err("the PEM file has no certificate".to_owned());
        }
        Trust::of_roots(roots)
    }

    /// Anyone, unchecked: for servers on trial with certificates of their own making.
    #[must_use]
    pub fn anyone() -> Trust {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Anyone(provider.clone()));
        // Safe defaults of the same provider cannot be refused by it.
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
        let builder =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions);
        match builder {
            Ok(builder) => Trust(Arc::new(
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
                    .with_no_client_auth(),
            )),
            Err(error) => unreachable!("ring knows TLS 1.2 and 1.3: {error}"),
        }
    }

    fn of_roots(roots: RootCertStore) -> Result<Trust, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(Trust(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }

    /// The configuration for one handshake.
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust(…)")
    }
}

/// Accepts every certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert!(Trust::pem(b"").is_err());
        assert!(Trust::pem(b"-----BEGIN CERTIFICATE-----\n!\n").is_err());
        let _ = (Trust::web(), Trust::anyone());
    }
}
