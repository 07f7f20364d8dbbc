//! A client's cookies: what answers set, kept and sent back.
//!
//! There is one server, so a cookie's domain says nothing; nor does `Secure`, for servers on trial
//! often stand behind a proxy that is not there. Values are never printed.

use hyper::header::{HeaderMap, SET_COOKIE};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cookies of one client; its clones are the same jar.
#[derive(Clone, Default)]
pub(crate) struct Jar(Arc<Mutex<Vec<Cookie>>>);

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    /// The paths that it is sent to begin with this.
    path: String,
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jar({})", self.lock().len())
    }
}

impl Jar {
    /// Keeps what an answer sets, and forgets what it takes back.
    pub(crate) fn keep(&self, headers: &HeaderMap) {
        let mut kept = self.lock();
        for set in set_by(headers) {
            kept.retain(|known| known.name != set.name || known.path != set.cookie.path);
            if !set.ends {
                kept.push(set.cookie);
            }
        }
    }

    /// The `Cookie` header of a request to this path, if there is anything to say.
    pub(crate) fn header(&self, target: &str) -> Option<String> {
        let path = target.split('?').next().unwrap_or(target);
        let kept = self.lock();
        let sent = kept.iter().filter(|cookie| is_within(path, &cookie.path));
        let pairs: Vec<String> =
            sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Another jar with the same cookies, their values changed.
    pub(super) fn changed(&self, change: impl Fn(&str) -> String) -> Self {
        let mut kept = self.lock().clone();
        kept.iter_mut().for_each(|cookie| cookie.value = change(&cookie.value));
        Self(Arc::new(Mutex::new(kept)))
    }

    /// The values of all cookies.
    pub(super) fn values(&self) -> Vec<String> {
        self.lock().iter().map(|cookie| cookie.value.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of the cookie of this name that an answer sets.
pub(crate) fn set_value(headers: &HeaderMap, name: &str) -> Option<String> {
    set_by(headers).find(|set| set.name == name).map(|set| set.cookie.value)
}

/// A cookie that an answer sets.
struct Set {
    name: String,
    cookie: Cookie,
    /// It is taken back.
    ends: bool,
}

fn set_by(headers: &HeaderMap) -> impl Iterator<Item = Set> {
    headers.get_all(SET_COOKIE).iter().filter_map(|line| {
        let mut parts = line.to_str().ok()?.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie =
            Cookie { name: name.trim().into(), value: value.trim().into(), path: "/".into() };
        let mut ends = cookie.value.is_empty();
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = value.into(),
                "max-age" => ends |= value.parse().is_ok_and(|seconds: i64| seconds <= 0),
                // The day on which every library takes cookies back.
                "expires" => ends |= value.contains("1970"),
                _ => {}
            }
        }
        Some(Set { name: cookie.name.clone(), cookie, ends })
    })
}

fn is_within(path: &str, scope: &str) -> bool {
    let rest = path.strip_prefix(scope.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn cookies_are_kept_replaced_taken_back_and_sent_where_they_belong() {
        let jar = Jar::default();
        let first = answer(&["sid=abc; Path=/; HttpOnly", "seen=1; Path=/api", "x=a=b"]);
        assert_eq!(set_value(&first, "sid").as_deref(), Some("abc"));
        jar.keep(&first);
        assert_eq!(jar.header("/login?next=/api").as_deref(), Some("sid=abc; x=a=b"));
        assert_eq!(jar.header("/api/rooms").as_deref(), Some("sid=abc; seen=1; x=a=b"));
        assert_eq!(jar.header("/apiary").as_deref(), Some("sid=abc; x=a=b"));
        jar.keep(&answer(&["sid=def; path=/", "x=; Max-Age=0"]));
        assert_eq!(jar.header("/").as_deref(), Some("sid=def"));
        assert_eq!(jar.changed(str::to_uppercase).header("/").as_deref(), Some("sid=DEF"));
        jar.keep(&answer(&["sid=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]));
        assert_eq!(jar.header("/"), None);
        assert_eq!(format!("{jar:?}"), "Jar(1)");
    }
}
