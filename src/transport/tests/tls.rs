//! TLS: whom to trust, and what is said when the other side does not speak it.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::{LONG, engine, serve, within};
use crate::transport::ConnectError;
use crate::transport::endpoint::Endpoint;
use crate::transport::engine_io::{Mode, Session};
use crate::transport::stream::{ConnectOptions, connect};
use crate::transport::tls::Trust;

/// A certificate for `localhost`, made for these tests only.
const CERTIFICATE: &[u8] = include_bytes!("localhost.pem");
const KEY: &[u8] = include_bytes!("localhost.key.pem");

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A server that echoes five bytes over TLS.
async fn echo() -> Endpoint {
    let acceptor = acceptor();
    let endpoint = serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut bytes = [0; 5];
            if stream.read_exact(&mut bytes).await.is_ok() {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
            }
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    Endpoint::parse(&format!("wss://localhost:{}", endpoint.port())).unwrap()
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_when_named() {
    let endpoint = echo().await;
    for trust in [Trust::pem(CERTIFICATE).unwrap(), Trust::anyone()] {
        let options = ConnectOptions { trust, ..within(LONG) };
        let mut stream = connect(&endpoint, &options).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.flush().await.unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");
        stream.finish().await;
    }
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_not_trusted_otherwise() {
    let endpoint = echo().await;
    let error = connect(&endpoint, &within(LONG)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Tls { .. }), "{error}");
    assert!(error.hint().contains("certificate"));
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_and_the_other_way_round() {
    let plain = serve(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let endpoint = Endpoint::parse(&format!("https://localhost:{}", plain.port())).unwrap();
    let error = connect(&endpoint, &within(LONG)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Tls { .. }), "{error}");
    assert!(error.hint().contains("plain text"));

    let endpoint = echo().await;
    let endpoint = Endpoint::parse(&format!("ws://localhost:{}", endpoint.port())).unwrap();
    for mode in [Mode::WebSocket, Mode::Polling] {
        let error = Session::open(&endpoint, &engine(mode, LONG)).await.unwrap_err();
        let said = matches!(
            &error,
            ConnectError::SpeaksSomethingElse { .. } | ConnectError::ClosedInHandshake { .. }
        );
        assert!(said && error.hint().contains("TLS"), "{error}");
    }
}
