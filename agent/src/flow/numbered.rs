//! Packets that their sender numbers one by one (RTP, RFC 3550; GRE, RFC 2890): how many of them never came.

/// Numbers in a row before a counter is believed to be one.
const PROBATION: u8 = 16;
/// Of those, as many came directly behind the one before: a counter that two destinations share does not.
const DIRECTLY: u8 = PROBATION / 2;
/// Numbers that one step of the probation may leave out.
const MAX_STEP: i32 = 16;
/// A step beyond this is another stream, not loss (RFC 3550, appendix A.1: MAX_DROPOUT).
const MAX_JUMP: i32 = 3_000;
/// Numbers that may still come late.
const WINDOW: u32 = u64::BITS;

/// One numbered stream. What is missing counts as lost once 64 later ones have come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbered {
    newest: u32,
    /// Bit n: the packet n before the newest came, or is not asked for.
    came: u64,
    /// Steps of the probation so far, and those that left nothing out.
    steps: u8,
    direct: u8,
    seen: u32,
    lost: u32,
}

impl Numbered {
    /// Takes in a number of `BITS` bits.
    pub fn see<const BITS: u32>(&mut self, number: u32) {
        if self.came == 0 {
            *self = Numbered { newest: number, came: u64::MAX, seen: 1, ..Numbered::default() };
            return;
        }
        let unused = u32::BITS - BITS;
        let step = (number.wrapping_sub(self.newest) << unused).cast_signed() >> unused;
        let on_probation = self.steps < PROBATION;
        match step {
            1.. if step > MAX_JUMP || on_probation && step > MAX_STEP => self.begin_anew(number),
            1.. => {
                self.advance(step.cast_unsigned());
                self.newest = number;
                if on_probation {
                    self.steps += 1;
                    self.direct += u8::from(step == 1);
                    if self.steps == PROBATION && self.direct < DIRECTLY {
                        self.begin_anew(number);
                    }
                }
            }
            _ if step.unsigned_abs() < WINDOW => {
                let bit = 1 << step.unsigned_abs();
                self.seen += u32::from(self.came & bit == 0);
                self.came |= bit;
            }
            _ if step.unsigned_abs() > MAX_JUMP.unsigned_abs() => self.begin_anew(number),
            _ => {}
        }
    }

    fn begin_anew(&mut self, number: u32) {
        let (seen, lost) = if self.steps >= PROBATION { (self.seen, self.lost + self.missing()) } else { (0, 0) };
        // What a stream that was believed showed stays, in the counts alone.
        *self = Numbered { newest: number, came: u64::MAX, seen: seen + 1, lost, ..Numbered::default() };
    }

    fn advance(&mut self, step: u32) {
        if step < WINDOW {
            let leaving = self.came >> (WINDOW - step);
            self.lost += step - leaving.count_ones();
            self.came = self.came << step | 1;
        } else {
            self.lost += self.missing() + (step - WINDOW);
            self.came = 1;
        }
        self.seen += 1;
    }

    /// Those that may still come.
    pub fn missing(&self) -> u32 {
        if self.came == 0 || self.steps < PROBATION { 0 } else { self.came.count_zeros() }
    }

    /// (lost, seen) since the last call; nothing while it is not known to be a counter.
    pub fn take(&mut self) -> (u32, u32) {
        if self.steps < PROBATION {
            return (0, 0);
        }
        (std::mem::take(&mut self.lost), std::mem::take(&mut self.seen))
    }

    /// The last packet came so many steps ago: it went on exactly where it had been.
    pub fn follows<const BITS: u32>(&self, number: u32) -> Option<bool> {
        let unused = u32::BITS - BITS;
        let step = (number.wrapping_sub(self.newest) << unused).cast_signed() >> unused;
        (self.steps >= PROBATION).then_some(step == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(numbers: impl IntoIterator<Item = u32>) -> (u32, u32) {
        let mut stream = Numbered::default();
        numbers.into_iter().for_each(|number| stream.see::<16>(number & 0xffff));
        let (lost, seen) = stream.take();
        (lost + stream.missing(), seen)
    }

    #[test]
    fn what_never_came_is_lost() {
        assert_eq!(count(65_000..66_000), (0, 1_000), "over the end of its numbers");
        assert_eq!(count((0..1_000).filter(|n| n % 10 != 5)), (100, 900));
        assert_eq!(count((0..1_000).filter(|n| !(300..500).contains(n))), (200, 800), "a burst");
        assert_eq!(count((0..1_000).filter(|n| !(700..990).contains(n))), (290, 710), "near the end");
    }

    #[test]
    fn late_and_double_ones_are_not() {
        let swapped = (0..1_000_u32).map(|n| n ^ 1);
        assert_eq!(count(swapped).0, 0);
        let far = (0..1_024_u32).map(|n| n / 32 * 32 + 31 - n % 32);
        assert_eq!(count(far).0, 0, "32 in reverse");
        assert_eq!(count((0..1_000).flat_map(|n| [n, n])), (0, 1_000));
    }

    #[test]
    fn what_is_no_counter_says_nothing() {
        assert_eq!(count((0..1_000).map(|n| n * 2)), (0, 0), "shared by two destinations");
        assert_eq!(count((0..1_000).map(|_| 7)), (0, 0));
        assert_eq!(count((0..1_000_u32).map(|n| n.wrapping_mul(40_503))), (0, 0));
        assert_eq!(count(0..10), (0, 0), "too short");
        let restarted = (0..500).chain(40_000..40_500);
        assert_eq!(count(restarted).0, 0, "another stream");
    }
}
