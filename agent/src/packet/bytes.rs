//! Reading at an offset that a packet chose.

/// The `N` bytes at `at`, or `None` if they were not captured.
#[inline(always)]
pub fn array<const N: usize>(data: &[u8], at: usize) -> Option<&[u8; N]> {
    data.get(at..)?.first_chunk()
}

/// The big-endian number of 16 bits at `at`.
#[inline(always)]
pub fn be16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).copied().map(u16::from_be_bytes)
}
