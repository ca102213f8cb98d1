//! Helpers shared by the tests in this workspace member.
