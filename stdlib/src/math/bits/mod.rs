//! Natives of package math/bits.

use vm::native::GoPanic;
use vm::natives;

fn leading_zeros(x: u64) -> i64 {
    i64::from(x.leading_zeros())
}

fn trailing_zeros(x: u64) -> i64 {
    i64::from(x.trailing_zeros())
}

fn trailing_zeros32(x: u32) -> i64 {
    i64::from(x.trailing_zeros())
}

fn ones_count(x: u64) -> i64 {
    i64::from(x.count_ones())
}

fn reverse(x: u64) -> u64 {
    x.reverse_bits()
}

fn reverse_bytes(x: u64) -> u64 {
    x.swap_bytes()
}

fn len(x: u64) -> i64 {
    64 - leading_zeros(x)
}

fn mul(x: u64, y: u64) -> (u64, u64) {
    let product = u128::from(x) * u128::from(y);
    ((product >> 64) as u64, product as u64)
}

fn div(hi: u64, lo: u64, y: u64) -> Result<(u64, u64), GoPanic> {
    if y == 0 {
        return Err(GoPanic::runtime("integer divide by zero"));
    }
    if y <= hi {
        return Err(GoPanic::runtime("integer overflow"));
    }
    let x = u128::from(hi) << 64 | u128::from(lo);
    Ok(((x / u128::from(y)) as u64, (x % u128::from(y)) as u64))
}

natives! {
    pure "LeadingZeros64" => leading_zeros;
    pure "TrailingZeros64" => trailing_zeros;
    pure "TrailingZeros32" => trailing_zeros32;
    pure "OnesCount64" => ones_count;
    pure "Reverse64" => reverse;
    pure "ReverseBytes64" => reverse_bytes;
    pure "Len64" => len;
    pure "Mul64" => mul;
    pure "Div64" => div;
}
