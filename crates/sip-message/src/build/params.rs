use core::fmt;

use super::quoted;
use crate::{BuildError, NameAddr, NameAddrBuf, Params, lex};

/// Parameters to write: `;expires=60;+sip.instance="<urn:uuid:...>";ob`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ParamsBuf {
    text: String,
}

impl ParamsBuf {
    /// Starts without parameters.
    pub const fn new() -> ParamsBuf {
        ParamsBuf { text: String::new() }
    }

    /// Adds a parameter without a value; [`BuildError::Parameter`] if the name is no token.
    pub fn flag(mut self, name: &str) -> Result<ParamsBuf, BuildError> {
        self.push_name(name)?;
        Ok(self)
    }

    /// Adds a parameter whose value stands as it is; [`BuildError::Parameter`] if name or value is no token.
    pub fn token(mut self, name: &str, value: &str) -> Result<ParamsBuf, BuildError> {
        self.push_name(name)?;
        if !lex::is_token(value) {
            return Err(BuildError::Parameter(name.into()));
        }
        self.text.push('=');
        self.text.push_str(value);
        Ok(self)
    }

    /// Adds a parameter whose value, given plain, is put into quotes; errors as for
    /// [`flag`](Self::flag), and [`BuildError::ControlCharacter`].
    pub fn quoted(mut self, name: &str, value: &str) -> Result<ParamsBuf, BuildError> {
        self.push_name(name)?;
        self.text.push('=');
        quoted::push(&mut self.text, name, value)?;
        Ok(self)
    }

    fn push_name(&mut self, name: &str) -> Result<(), BuildError> {
        if !lex::is_token(name) {
            return Err(BuildError::Parameter(name.into()));
        }
        self.text.push(';');
        self.text.push_str(name);
        Ok(())
    }
}

impl From<Params<'_>> for ParamsBuf {
    fn from(params: Params<'_>) -> ParamsBuf {
        ParamsBuf { text: params.as_str().into() }
    }
}

impl fmt::Display for ParamsBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An owned address with the parameters of its header: a Contact to write, or one to keep.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AddressBuf {
    /// Display name and URI.
    pub address: NameAddrBuf,
    /// The parameters of the header.
    pub params: ParamsBuf,
}

impl From<NameAddr<'_>> for AddressBuf {
    fn from(address: NameAddr<'_>) -> AddressBuf {
        AddressBuf { address: address.to_owned(), params: address.params.into() }
    }
}

impl fmt::Display for AddressBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.address, self.params)
    }
}
