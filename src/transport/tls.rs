//! Whom TLS trusts. The provider of its cryptography is named here, never left to the process.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};

/// Whom to trust; cheap to clone, one for all clients of a run.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The certificate authorities of the web.
    #[must_use]
    pub fn web() -> Trust {
        static WEB: OnceLock<Trust> = OnceLock::new();
        let build = || Trust::of_roots(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
        WEB.get_or_init(build).clone()
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
        Ok(Trust::of_roots(roots))
    }

    /// Anyone, unchecked: for servers on trial with certificates of their own making.
    #[must_use]
    pub fn anyone() -> Trust {
        let verifier = Arc::new(Anyone(Arc::new(ring::default_provider())));
        let builder = builder().dangerous().with_custom_certificate_verifier(verifier);
        Trust(Arc::new(builder.with_no_client_auth()))
    }

    fn of_roots(roots: RootCertStore) -> Trust {
        Trust(Arc::new(builder().with_root_certificates(roots).with_no_client_auth()))
    }

    /// The configuration for one handshake.
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

/// A configuration with ring's cryptography and the usual versions of TLS.
fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    match builder.with_safe_default_protocol_versions() {
        Ok(builder) => builder,
        Err(error) => unreachable!("ring knows the usual versions of TLS: {error}"),
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
