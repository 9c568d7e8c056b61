//! What stands in for the sessions where golite was built without TLS: the golite side asks [`is_there`] first.

use vm::border::{Bytes, GoSlice, GoStr};

pub fn is_there() -> bool {
    false
}

pub fn new_roots(_: GoStr<'_>) -> i64 {
    0
}

pub fn forget_roots(_: i64) {}

pub fn client(_: GoStr<'_>, _: GoStr<'_>) -> (i64, String) {
    (0, String::new())
}

pub fn server() -> i64 {
    0
}

pub fn accept(_: i64, _: GoStr<'_>) -> String {
    String::new()
}

pub fn feed(_: i64, _: GoSlice<'_, u8>) -> (bool, String) {
    (false, String::new())
}

pub fn take(_: i64) -> Vec<u8> {
    Vec::new()
}

pub fn read(_: i64, _: GoSlice<'_, u8>) -> i64 {
    0
}

pub fn write(_: i64, _: GoSlice<'_, u8>) {}

pub fn hello(_: i64) -> (Bytes, Bytes, Bytes) {
    (Bytes::default(), Bytes::default(), Bytes::default())
}

pub fn info(_: i64) -> (bool, i64, i64, i64, Bytes, Bytes, bool) {
    (false, 0, 0, 0, Bytes::default(), Bytes::default(), false)
}

pub fn peer_certificates(_: i64) -> Bytes {
    Bytes::default()
}

pub fn close_notify(_: i64) {}

pub fn discard(_: i64) {}

pub fn check_key(_: GoStr<'_>, _: i64, _: GoStr<'_>) -> String {
    String::new()
}
