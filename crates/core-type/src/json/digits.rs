//! Fast conversion of digits to numbers, for the common cases.

/// Returns the value of a decimal number with at most 15 characters after the sign and no exponent. The
/// digits and the power of ten are exact doubles, so their quotient is the nearest double.
#[inline]
pub(super) fn short_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1., 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.len() >= POWERS.len() {
        return None;
    }
    let (mut value, mut places) = (0_i64, None);
    for digit in digits {
        match digit {
            b'0'..=b'9' => value = value * 10 + i64::from(digit - b'0'),
            b'.' => {
                places = Some(0);
                continue;
            }
            _ => return None,
        }
        places = places.map(|places: usize| places + 1);
    }
    let number = value as f64 / POWERS[places.unwrap_or(0)];
    Some(if digits.len() < text.len() { -number } else { number })
}

/// Returns the value of the first eight bytes, if all of them are digits.
#[inline]
pub(super) fn eight_digits(bytes: &[u8]) -> Option<i64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    let word = u64::from_le_bytes(*bytes.first_chunk()?);
    if word & HIGH != ZEROS || word.wrapping_add(SIXES) & HIGH != ZEROS {
        return None;
    }
    // Combine digits into pairs, pairs into fours, fours into eight. The first digit is the lowest byte.
    let pairs =
        ((word & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul((10 << 8) + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul((100 << 16) + 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul((10_000 << 32) + 1) >> 32).cast_signed())
}

/// Returns the value of the first four bytes, if all of them are digits.
#[inline]
pub(super) fn four_digits(bytes: &[u8]) -> Option<i64> {
    let word = u32::from_le_bytes(*bytes.first_chunk()?);
    if word & 0xf0f0_f0f0 != 0x3030_3030
        || word.wrapping_add(0x0606_0606) & 0xf0f0_f0f0 != 0x3030_3030
    {
        return None;
    }
    // As for eight digits, without the last step.
    let pairs = ((word & 0x0f0f_0f0f).wrapping_mul((10 << 8) + 1) >> 8) & 0x00ff_00ff;
    Some((pairs.wrapping_mul((100 << 16) + 1) >> 16).into())
}
