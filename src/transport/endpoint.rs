//! Where a server is: scheme, host, port and path of a URL, and the addresses behind the name.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

use super::error::{ConnectError, Phase};

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    tls: bool,
    host: String,
    port: u16,
    path: String,
    addresses: Vec<SocketAddr>,
}

/// A URL that names no server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadUrl {
    /// The URL.
    pub url: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not the URL of a server: {}", self.url.escape_debug(), self.reason)
    }
}

impl Error for BadUrl {}

impl Endpoint {
    /// Reads `http`, `https`, `ws` and `wss` URLs.
    ///
    /// # Errors
    /// [`BadUrl`] says what is missing or not allowed.
    pub fn parse(url: &str) -> Result<Endpoint, BadUrl> {
        Self::read(url).map_err(|reason| BadUrl { url: url.to_owned(), reason })
    }

    fn read(url: &str) -> Result<Endpoint, &'static str> {
        if !is_sendable(url) {
            return Err("it has spaces or control characters");
        }
        let (scheme, rest) = url.split_once("://").ok_or("it has no scheme such as `http://`")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err("its scheme is none of `http`, `https`, `ws`, `wss`"),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("it has a user name, which belongs into the spec's `auth`");
        }
        let (host, port) = split_authority(authority)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let mut endpoint = Endpoint { tls, host, port, path, addresses: Vec::new() };
        if let Ok(ip) = endpoint.host.parse::<IpAddr>() {
            endpoint.addresses.push(SocketAddr::new(ip, port));
        }
        Ok(endpoint)
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host's name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path with its query; `/` where the URL has none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The URL without its path: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }

    /// Host and port as the `Host` header wants them: no port where it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The addresses known so far: that of a literal host, or those [`Endpoint::resolve`] found.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Looks the host's name up once, so that no later connection has to.
    ///
    /// # Errors
    /// [`ConnectError::Dns`] and [`ConnectError::TimedOut`].
    pub async fn resolve(&mut self, within: Duration) -> Result<(), ConnectError> {
        if self.addresses.is_empty() {
            self.addresses = self.look_up(within).await?;
        }
        Ok(())
    }

    /// Looks the host's name up.
    pub(super) async fn look_up(&self, within: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
        let dns = |reason: String| ConnectError::Dns { host: self.host.clone(), reason };
        let found = timeout(within, tokio::net::lookup_host((self.host.as_str(), self.port))).await;
        let found = found
            .map_err(|_| ConnectError::TimedOut { phase: Phase::Resolve, after: within })?
            .map_err(|error| dns(error.to_string()))?;
        let mut addresses: Vec<_> = found.collect();
        addresses.dedup();
        if addresses.is_empty() {
            Err(dns("the name has no address".into()))
        } else {
            Ok(addresses)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// Whether a text may stand in the first line of a request.
pub(super) fn is_sendable(text: &str) -> bool {
    !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}

/// Splits `host:port`, `[::1]:port`.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or("its `[` has no `]`")?;
            (host, behind.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("it has no host");
    }
    let port =
        port.map(str::parse).transpose().map_err(|_| "its port is not a number up to 65535")?;
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, tls, authority, port, path) in [
            ("http://localhost", false, "localhost", 80, "/"),
            ("https://a.example:443/x", true, "a.example", 443, "/x"),
            ("ws://127.0.0.1:3000/ws?a=1#f", false, "127.0.0.1:3000", 3000, "/ws?a=1"),
            ("WSS://[::1]:9", true, "[::1]:9", 9, "/"),
            ("http://h?a=1", false, "h", 80, "/?a=1"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.is_tls(), tls, "{url}");
            assert_eq!(endpoint.authority(), authority, "{url}");
            assert_eq!((endpoint.port(), endpoint.path()), (port, path), "{url}");
        }
        let addresses = Endpoint::parse("http://[::1]:9").unwrap().addresses().to_vec();
        assert_eq!(addresses, ["[::1]:9".parse().unwrap()]);
    }

    #[test]
    fn what_names_no_server_says_why() {
        for (url, reason) in [
            ("localhost:3000", "no scheme"),
            ("ftp://a", "none of"),
            ("http://", "no host"),
            ("http://a:x", "port"),
            ("http://a:99999", "port"),
            ("http://a b", "spaces"),
            ("http://a/\r\nX: y", "spaces"),
            ("http://me@a", "user name"),
            ("http://[::1", "`]`"),
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert!(error.reason.contains(reason), "{url}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_url_makes_it_panic(url in any::<String>(), tail in "[:/?#@\\[\\]a0]*") {
            let _ = Endpoint::parse(&url);
            let _ = Endpoint::parse(&format!("http://{tail}"));
        }
    }
}
