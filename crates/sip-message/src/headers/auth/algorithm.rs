use core::fmt;

/// What a Digest is computed with (RFC 7616 §6.1, RFC 8760 §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`, which is also meant where no algorithm is named.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`
    Sha512_256,
    /// `SHA-512-256-sess`
    Sha512_256Sess,
}

impl Algorithm {
    const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ];

    /// Finds the algorithm by its name in any case; `None` if it is not understood.
    ///
    /// `SHA256` is read as `SHA-256`: peers misspell it so, and no other algorithm has that name.
    pub fn of(name: &str) -> Option<Algorithm> {
        match name {
            _ if name.eq_ignore_ascii_case("SHA256") => Some(Algorithm::Sha256),
            _ if name.eq_ignore_ascii_case("SHA256-sess") => Some(Algorithm::Sha256Sess),
            _ => Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name)),
        }
    }

    /// The name, as it is registered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// Tells whether the first hash is kept for a session (RFC 7616 §3.4.2).
    pub const fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a Digest protects (RFC 7616 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qop {
    /// `auth`: method and URI.
    Auth,
    /// `auth-int`: the body too.
    AuthInt,
}

impl Qop {
    /// Finds the quality of protection by its name in any case; `None` if it is not understood.
    pub fn of(name: &str) -> Option<Qop> {
        [Qop::Auth, Qop::AuthInt].into_iter().find(|qop| qop.as_str().eq_ignore_ascii_case(name))
    }

    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }
}

impl fmt::Display for Qop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
