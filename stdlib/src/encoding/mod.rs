//! Natives of the packages below encoding.

pub mod binary;
pub mod json;
pub mod xml;

/// Natives of package encoding/hex.
pub mod hex {
    use vm::border::{Bytes, GoSlice, GoStr};

    fn encode(data: GoSlice<'_, u8>) -> Bytes {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Vec::with_capacity(data.len() * 2);
        for byte in data.to_vec() {
            text.push(DIGITS[usize::from(byte >> 4)]);
            text.push(DIGITS[usize::from(byte & 15)]);
        }
        Bytes(text)
    }

    fn digit(byte: u8) -> Result<u8, i64> {
        char::from(byte)
            .to_digit(16)
            .map(|digit| digit as u8)
            .ok_or(i64::from(byte))
    }

    /// The bytes up to what is wrong, as hex.gl wants it.
    fn read(text: &[u8]) -> (Vec<u8>, i64) {
        let mut data = Vec::with_capacity(text.len() / 2);
        let (pairs, rest) = text.as_chunks::<2>();
        for [high, low] in pairs {
            match digit(*high).and_then(|high| Ok(high << 4 | digit(*low)?)) {
                Ok(byte) => data.push(byte),
                Err(wrong) => return (data, wrong),
            }
        }
        let wrong = match rest {
            [] => -1,
            [last, ..] => digit(*last).map_or_else(|wrong| wrong, |_| -2),
        };
        (data, wrong)
    }

    fn decode(text: GoSlice<'_, u8>) -> (Vec<u8>, i64) {
        read(&text.to_vec())
    }

    fn decode_text(text: GoStr<'_>) -> (Vec<u8>, i64) {
        read(&text)
    }

    vm::natives! {
        pure "encode" => encode;
        pure "decode" => decode;
        pure "decodeText" => decode_text;
    }
}

/// Natives of package encoding/base64.
pub mod base64 {
    use vm::border::{Bytes, GoSlice, GoStr};

    /// The alphabet of RFC 4648, section 4.
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    fn encode(alphabet: GoStr<'_>, pad: i32, data: GoSlice<'_, u8>) -> Bytes {
        let data = data.to_vec();
        let mut text = Vec::with_capacity(data.len().div_ceil(3) * 4);
        append(&mut text, &alphabet, u8::try_from(pad).ok(), &data);
        Bytes(text)
    }

    fn append(text: &mut Vec<u8>, alphabet: &[u8], pad: Option<u8>, data: &[u8]) {
        let mut pace = vm::native::Pace::default();
        for group in data.chunks(3) {
            if pace.is_over_after(8) {
                break;
            }
            let bits = group.iter().enumerate().fold(0u32, |bits, (at, byte)| {
                bits | u32::from(*byte) << (16 - 8 * at)
            });
            for at in 0..4 {
                if at <= group.len() {
                    let index = (bits >> (18 - 6 * at) & 63) as usize;
                    text.push(alphabet.get(index).copied().unwrap_or_default());
                } else if let Some(pad) = pad {
                    text.push(pad);
                }
            }
        }
    }

    /// Appends bytes in the standard alphabet, with padding.
    pub(super) fn append_standard(text: &mut Vec<u8>, data: &[u8]) {
        append(text, STANDARD, Some(b'='), data);
    }

    /// Reads what [`append_standard`] writes; `None` of anything else, even if other readers take it.
    pub(super) fn read_standard(text: &[u8]) -> Option<Vec<u8>> {
        if !text.len().is_multiple_of(4) {
            return None;
        }
        let mut data = Vec::with_capacity(text.len() / 4 * 3);
        for (number, group) in text.chunks_exact(4).enumerate() {
            let is_last = (number + 1) * 4 == text.len();
            let digits = match group {
                [_, _, b'=', b'='] if is_last => 2,
                [_, _, _, b'='] if is_last => 3,
                _ => 4,
            };
            let mut bits = 0u32;
            for &byte in &group[..digits] {
                let digit = match byte {
                    b'A'..=b'Z' => byte - b'A',
                    b'a'..=b'z' => byte - b'a' + 26,
                    b'0'..=b'9' => byte - b'0' + 52,
                    b'+' => 62,
                    b'/' => 63,
                    _ => return None,
                };
                bits = bits << 6 | u32::from(digit);
            }
            bits <<= 6 * (4 - digits);
            data.extend_from_slice(&bits.to_be_bytes()[1..digits]);
        }
        Some(data)
    }

    /// What a byte stands for.
    #[derive(Clone, Copy)]
    enum Meaning {
        Digit(u8),
        LineEnd,
        Nothing,
    }

    struct Decoder<'t> {
        meanings: [Meaning; 256],
        pad: Option<u8>,
        strict: bool,
        text: &'t [u8],
        at: usize,
    }

    impl Decoder<'_> {
        fn skip_line_ends(&mut self) {
            while let Some(b'\n' | b'\r') = self.text.get(self.at) {
                self.at += 1;
            }
        }

        /// Reads a group of up to four characters; the error is the place of what is wrong. `Ok(true)` when there may be more.
        fn group(&mut self, data: &mut Vec<u8>) -> Result<bool, usize> {
            let mut digits = [0u8; 4];
            let mut count = 0;
            let mut trailing = None;
            while count < 4 {
                let Some(byte) = self.text.get(self.at).copied() else {
                    match count {
                        0 => return Ok(false),
                        1 => return Err(self.at - 1),
                        _ if self.pad.is_some() => return Err(self.at - count),
                        _ => break,
                    }
                };
                self.at += 1;
                match self.meanings[usize::from(byte)] {
                    Meaning::Digit(digit) => {
                        digits[count] = digit;
                        count += 1;
                        continue;
                    }
                    Meaning::LineEnd => continue,
                    Meaning::Nothing => {}
                }
                if Some(byte) != self.pad || count < 2 {
                    return Err(self.at - 1);
                }
                if count == 2 {
                    self.skip_line_ends();
                    match self.text.get(self.at) {
                        None => return Err(self.text.len()),
                        Some(second) if Some(*second) == self.pad => self.at += 1,
                        Some(_) => return Err(self.at - 1),
                    }
                }
                self.skip_line_ends();
                if self.at < self.text.len() {
                    trailing = Some(self.at);
                }
                break;
            }
            let bits = digits
                .iter()
                .fold(0u32, |bits, digit| bits << 6 | u32::from(*digit));
            let bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
            if self.strict {
                if count == 3 && bytes[2] != 0 {
                    return Err(self.at - 1);
                }
                if count == 2 && (bytes[1] != 0 || bytes[2] != 0) {
                    return Err(self.at - 2);
                }
            }
            data.extend_from_slice(&bytes[..count - 1]);
            trailing.map_or(Ok(true), Err)
        }
    }

    fn read(alphabet: &[u8], pad: i32, strict: bool, text: &[u8]) -> (Vec<u8>, i64) {
        let mut meanings = [Meaning::Nothing; 256];
        for line_end in b"\r\n" {
            meanings[usize::from(*line_end)] = Meaning::LineEnd;
        }
        for (digit, byte) in alphabet.iter().enumerate().take(64) {
            meanings[usize::from(*byte)] = Meaning::Digit(digit as u8);
        }
        let mut data = Vec::with_capacity(text.len() / 4 * 3 + 3);
        let mut decoder = Decoder {
            meanings,
            pad: u8::try_from(pad).ok(),
            strict,
            text,
            at: 0,
        };
        let mut pace = vm::native::Pace::default();
        while decoder.at < text.len() && !pace.is_over_after(8) {
            match decoder.group(&mut data) {
                Ok(true) => {}
                Ok(false) => break,
                Err(wrong) => return (data, wrong as i64),
            }
        }
        (data, -1)
    }

    fn decode(
        alphabet: GoStr<'_>,
        pad: i32,
        strict: bool,
        text: GoSlice<'_, u8>,
    ) -> (Vec<u8>, i64) {
        read(&alphabet, pad, strict, &text.to_vec())
    }

    fn decode_text(alphabet: GoStr<'_>, pad: i32, strict: bool, text: GoStr<'_>) -> (Vec<u8>, i64) {
        read(&alphabet, pad, strict, &text)
    }

    vm::natives! {
        pure "encode" => encode;
        pure "decode" => decode;
        pure "decodeText" => decode_text;
    }
}
