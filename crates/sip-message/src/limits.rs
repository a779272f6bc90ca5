/// How much of a peer's text is looked at before it is refused.
///
/// Each limit is checked before the work it bounds is done. Whatever is set here, a head has at most 255 lines and 65,535
/// bytes, for an index holds no more; a body may be longer.
///
/// Builders keep to the constants, whatever was set for the message that they copy from: what they write is read with the
/// default limits, or they fail. Of an [`Edit`](crate::Edit) this holds for what is new; what it keeps is as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest message in bytes, head and body.
    pub message: usize,
    /// Most header lines in one message.
    pub headers: usize,
    /// Longest start line or header line in bytes, continuation lines counted in, line end not.
    pub line: usize,
    /// Most continuation lines of one header line.
    pub folds: usize,
}

impl Limits {
    /// 64 KiB: what one UDP datagram can carry (RFC 3261 §18.1.1), and stream peers send no more.
    pub const MESSAGE: usize = 65_535;
    /// 128 lines: five times what a call through several proxies carries.
    pub const HEADERS: usize = 128;
    /// 8 KiB: long identity and authorization headers fit; a scan of one line stays short.
    pub const LINE: usize = 8 * 1024;
    /// 64 continuation lines: a list with an item a line, of more items than any route has, is still read.
    pub const FOLDS: usize = 64;
    /// Parameters of one value, or headers of one URI: five times what is in use, so that lookups stay cheap.
    pub const PARAMETERS: usize = 64;
    /// Values of one header over all its lines: ten times what is in use, and more than a request has hops.
    pub const LIST_ITEMS: usize = 128;
    /// Comments within comments: software that names itself nests two deep.
    pub const COMMENTS: usize = 16;
    /// Parts of one multipart body: two or three are in use, a session description and what goes with it.
    pub const PARTS: usize = 32;
    /// Bytes of a sipfrag body: a status line needs fifty; anything longer is not worth reading.
    pub const SIPFRAG: usize = 4 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { message: Self::MESSAGE, headers: Self::HEADERS, line: Self::LINE, folds: Self::FOLDS }
    }
}
