//! Bessel functions, and the inverse of the error function.
//!
//! The Bessel functions of order 0 and 1 are approximated as in FreeBSD's `msun`, from which Go has them: by rational functions of
//! x² below 2, and by `sqrt(2/(πx))` times a phase, corrected by rational functions of 1/x², from there on. Higher orders come by
//! recurrence in `bessel.gl`: their time grows with the order, so they must be such that they can be preempted.
//! The inverse of the error function is Wichura's algorithm AS 241. The order of operations is Go's: results are equal bit for bit.

use super::{elementary as e, sincos};

/// Beyond it, only the leading term of the expansion counts.
const FAR: f64 = f64::from_bits((1023 + 129) << 52); // 2^129

const ONE_BY_ROOT_PI: f64 = 1.0 / 1.772_453_850_905_516;
const TWO_BY_PI: f64 = 2.0 / std::f64::consts::PI;

/// `above(z) / (1 + z below(z))`
struct Quotient {
    above: [f64; 6],
    below: &'static [f64],
}

/// What the functions of order 0 and 1 are made of.
struct Order {
    r: &'static [f64],
    s: &'static [f64],
    u: &'static [f64],
    v: &'static [f64],
    /// For x from 8, 4.5454, 2.8571 and 2.
    p: [Quotient; 4],
    q: [Quotient; 4],
}

fn polynomial(coefficients: &[f64], z: f64) -> f64 {
    let (last, rest) = coefficients.split_last().expect("a coefficient");
    rest.iter().rev().fold(*last, |sum, c| c + z * sum)
}

impl Order {
    fn correction(&self, table: &[Quotient; 4], x: f64) -> f64 {
        let quotient = match x {
            _ if x >= 8.0 => &table[0],
            _ if x >= 4.5454 => &table[1],
            _ if x >= 2.8571 => &table[2],
            _ => &table[3],
        };
        let z = 1.0 / (x * x);
        polynomial(&quotient.above, z) / (1.0 + z * polynomial(quotient.below, z))
    }

    /// From 2 on, both kinds: `cc` and `ss` are √2 times cosine and sine of the phase, `eighth` the leading term of the second correction.
    fn far(&self, x: f64, cc: f64, ss: f64, eighth: f64) -> (f64, f64) {
        if x > FAR {
            let root = x.sqrt();
            return (ONE_BY_ROOT_PI * cc / root, ONE_BY_ROOT_PI * ss / root);
        }
        let u = 1.0 + self.correction(&self.p, x);
        let v = (eighth + self.correction(&self.q, x)) / x;
        let root = x.sqrt();
        (
            ONE_BY_ROOT_PI * (u * cc - v * ss) / root,
            ONE_BY_ROOT_PI * (u * ss + v * cc) / root,
        )
    }
}

/// Order 0 of both kinds for x ≥ 2. Of sine plus and minus cosine, the worse one is found by the better one and cos 2x.
fn far_zero(x: f64) -> (f64, f64) {
    let (s, c) = sincos(x);
    let (mut ss, mut cc) = (s - c, s + c);
    if x < f64::MAX / 2.0 {
        let z = -e::cos(x + x);
        if s * c < 0.0 {
            cc = z / ss;
        } else {
            ss = z / cc;
        }
    }
    ZERO.far(x, cc, ss, -0.125)
}

/// Order 1 of both kinds for x ≥ 2.
fn far_one(x: f64) -> (f64, f64) {
    let (s, c) = sincos(x);
    let (mut ss, mut cc) = (-s - c, s - c);
    if x < f64::MAX / 2.0 {
        let z = e::cos(x + x);
        if s * c > 0.0 {
            cc = z / ss;
        } else {
            ss = z / cc;
        }
    }
    ONE.far(x, cc, ss, 0.375)
}

/// GO: math `J0`.
pub fn j0(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let x = x.abs();
    if x.is_infinite() {
        return 0.0;
    }
    if x >= 2.0 {
        return far_zero(x).0;
    }
    if x < 1.0 / (1 << 27) as f64 {
        return 1.0;
    }
    if x < 1.0 / (1 << 13) as f64 {
        return 1.0 - 0.25 * x * x;
    }
    let z = x * x;
    let ratio = z * polynomial(ZERO.r, z) / (1.0 + z * polynomial(ZERO.s, z));
    if x < 1.0 {
        return 1.0 + z * (-0.25 + ratio);
    }
    let u = 0.5 * x;
    (1.0 + u) * (1.0 - u) + z * ratio
}

/// GO: math `J1`.
pub fn j1(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.is_infinite() || x == 0.0 {
        return 0.0;
    }
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let x = x.abs();
    if x >= 2.0 {
        return sign * far_one(x).0;
    }
    if x < 1.0 / (1 << 27) as f64 {
        // Go forgets the sign here.
        return 0.5 * x;
    }
    let z = x * x;
    let mut r = z * polynomial(ONE.r, z);
    let s = 1.0 + z * polynomial(ONE.s, z);
    r *= x;
    sign * (0.5 * x + r / s)
}

/// What both functions of the second kind answer outside their domain and at its ends.
fn second_kind_ends(x: f64) -> Option<f64> {
    match x {
        _ if x < 0.0 || x.is_nan() => Some(super::NAN),
        _ if x.is_infinite() => Some(0.0),
        _ if x == 0.0 => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// GO: math `Y0`.
pub fn y0(x: f64) -> f64 {
    if let Some(end) = second_kind_ends(x) {
        return end;
    }
    if x >= 2.0 {
        return far_zero(x).1;
    }
    if x <= 1.0 / (1 << 27) as f64 {
        return ZERO.u[0] + TWO_BY_PI * e::log(x);
    }
    let z = x * x;
    let u = polynomial(ZERO.u, z);
    let v = 1.0 + z * polynomial(ZERO.v, z);
    u / v + TWO_BY_PI * j0(x) * e::log(x)
}

/// GO: math `Y1`.
pub fn y1(x: f64) -> f64 {
    if let Some(end) = second_kind_ends(x) {
        return end;
    }
    if x >= 2.0 {
        return far_one(x).1;
    }
    if x <= 1.0 / (1u64 << 54) as f64 {
        return -TWO_BY_PI / x;
    }
    let z = x * x;
    let u = polynomial(ONE.u, z);
    let v = 1.0 + z * polynomial(ONE.v, z);
    x * (u / v) + TWO_BY_PI * (j1(x) * e::log(x) - 1.0 / x)
}

/// GO: math `Erfinv`.
pub fn erfinv(x: f64) -> f64 {
    if x.is_nan() || x <= -1.0 || x >= 1.0 {
        return match x {
            1.0 => f64::INFINITY,
            -1.0 => f64::NEG_INFINITY,
            _ => super::NAN,
        };
    }
    let magnitude = x.abs();
    let value = if magnitude <= 0.85 {
        let r = 0.180625 - 0.25 * magnitude * magnitude;
        (magnitude * from_the_top(&ERF_A, r)) / from_the_top(&ERF_B, r)
    } else {
        let r = (std::f64::consts::LN_2 - e::log(1.0 - magnitude)).sqrt();
        if r <= 5.0 {
            from_the_top(&ERF_C, r - 1.6) / from_the_top(&ERF_D, r - 1.6)
        } else {
            from_the_top(&ERF_E, r - 5.0) / from_the_top(&ERF_F, r - 5.0)
        }
    };
    if x.is_sign_negative() { -value } else { value }
}

/// GO: math `Erfcinv`.
pub fn erfcinv(x: f64) -> f64 {
    erfinv(1.0 - x)
}

fn from_the_top(coefficients: &[f64; 8], r: f64) -> f64 {
    coefficients[..7]
        .iter()
        .rev()
        .fold(coefficients[7], |sum, c| sum * r + c)
}

/// Of order 0.
const ZERO: Order = Order {
    r: &[
        0.015624999999999995,
        -0.00018997929423885472,
        1.8295404953270067e-06,
        -4.618326885321032e-09,
    ],
    s: &[
        0.015619102946489001,
        0.00011692678466333745,
        5.135465502073181e-07,
        1.1661400333379e-09,
    ],
    u: &[
        -0.07380429510868723,
        0.17666645250918112,
        -0.01381856719455969,
        0.00034745343209368365,
        -3.8140705372436416e-06,
        1.9559013703502292e-08,
        -3.982051941321034e-11,
    ],
    v: &[
        0.01273048348341237,
        7.600686273503533e-05,
        2.591508518404578e-07,
        4.4111031133267547e-10,
    ],
    p: [
        Quotient {
            above: [
                0.0,
                -0.07031249999999004,
                -8.081670412753498,
                -257.06310567970485,
                -2485.216410094288,
                -5253.043804907295,
            ],
            below: &[
                116.53436461966818,
                3833.7447536412183,
                40597.857264847255,
                116752.97256437592,
                47627.728414673096,
            ],
        },
        Quotient {
            above: [
                -1.141254646918945e-11,
                -0.07031249408735993,
                -4.159610644705878,
                -67.67476522651673,
                -331.23129964917297,
                -346.4333883656049,
            ],
            below: &[
                60.753938269230034,
                1051.2523059570458,
                5978.970943338558,
                9625.445143577745,
                2406.058159229391,
            ],
        },
        Quotient {
            above: [
                -2.547046017719519e-09,
                -0.07031196163814817,
                -2.409032215495296,
                -21.96597747348831,
                -58.07917047017376,
                -31.44794705948885,
            ],
            below: &[
                35.85603380552097,
                361.51398305030386,
                1193.6078379211153,
                1127.9967985690741,
                173.58093081333575,
            ],
        },
        Quotient {
            above: [
                -8.875343330325264e-08,
                -0.07030309954836247,
                -1.4507384678095299,
                -7.635696138235278,
                -11.193166886035675,
                -3.2336457935133534,
            ],
            below: &[
                22.22029975320888,
                136.2067942182152,
                270.4702786580835,
                153.87539420832033,
                14.65761769482562,
            ],
        },
    ],
    q: [
        Quotient {
            above: [
                0.0,
                0.0732421874999935,
                11.76820646822527,
                557.6733802564019,
                8859.197207564686,
                37014.62677768878,
            ],
            below: &[
                163.77602689568982,
                8098.344946564498,
                142538.29141912048,
                803309.2571195144,
                840501.5798190605,
                -343899.2935378666,
            ],
        },
        Quotient {
            above: [
                1.8408596359451553e-11,
                0.07324217666126848,
                5.8356350896205695,
                135.11157728644983,
                1027.243765961641,
                1989.9778586460538,
            ],
            below: &[
                82.77661022365378,
                2077.81416421393,
                18847.28877857181,
                56751.11228949473,
                35976.75384251145,
                -5354.342756019448,
            ],
        },
        Quotient {
            above: [
                4.377410140897386e-09,
                0.07324111800429114,
                3.344231375161707,
                42.621844074541265,
                170.8080913405656,
                166.73394869665117,
            ],
            below: &[
                48.75887297245872,
                709.689221056606,
                3704.1482262011136,
                6460.425167525689,
                2516.3336892036896,
                -149.2474518361564,
            ],
        },
        Quotient {
            above: [
                1.5044444488698327e-07,
                0.07322342659630793,
                1.99819174093816,
                14.495602934788574,
                31.666231750478154,
                16.252707571092927,
            ],
            below: &[
                30.36558483552192,
                269.34811860804984,
                844.7837575953201,
                882.9358451124886,
                212.66638851179883,
                -5.3109549388266695,
            ],
        },
    ],
};

/// Of order 1.
const ONE: Order = Order {
    r: &[
        -0.0625,
        0.001407056669551897,
        -1.599556310840356e-05,
        4.9672799960958445e-08,
    ],
    s: &[
        0.019153759953836346,
        0.00018594678558863092,
        1.1771846404262368e-06,
        5.0463625707621704e-09,
        1.2354227442613791e-11,
    ],
    u: &[
        -0.19605709064623894,
        0.05044387166398113,
        -0.0019125689587576355,
        2.352526005616105e-05,
        -9.190991580398789e-08,
    ],
    v: &[
        0.01991673182366499,
        0.00020255258102513517,
        1.3560880109751623e-06,
        6.227414523646215e-09,
        1.6655924620799208e-11,
    ],
    p: [
        Quotient {
            above: [
                0.0,
                0.11718749999998865,
                13.239480659307358,
                412.05185430737856,
                3874.7453891396053,
                7914.479540318917,
            ],
            below: &[
                114.20737037567841,
                3650.9308342085346,
                36956.206026903346,
                97602.79359349508,
                30804.27206278888,
            ],
        },
        Quotient {
            above: [
                1.3199051955624352e-11,
                0.1171874931906141,
                6.802751278684329,
                108.30818299018911,
                517.6361395331998,
                528.7152013633375,
            ],
            below: &[
                59.28059872211313,
                991.4014187336144,
                5353.26695291488,
                7844.690317495512,
                1504.0468881036106,
            ],
        },
        Quotient {
            above: [
                3.025039161373736e-09,
                0.11718686556725359,
                3.9329775003331564,
                35.11940355916369,
                91.05501107507813,
                48.55906851973649,
            ],
            below: &[
                34.79130950012515,
                336.76245874782575,
                1046.8713997577513,
                890.8113463982564,
                103.78793243963928,
            ],
        },
        Quotient {
            above: [
                1.0771083010687374e-07,
                0.11717621946268335,
                2.368514966676088,
                12.242610914826123,
                17.693971127168773,
                5.073523125888185,
            ],
            below: &[
                21.43648593638214,
                125.29022716840275,
                232.2764690571628,
                117.6793732871471,
                8.364638933716183,
            ],
        },
    ],
    q: [
        Quotient {
            above: [
                0.0,
                -0.10253906249999271,
                -16.271753454459,
                -759.6017225139501,
                -11849.806670242959,
                -48438.512428575035,
            ],
            below: &[
                161.3953697007229,
                7825.385999233485,
                133875.33628724958,
                719657.7236832409,
                666601.2326177764,
                -294490.26430383464,
            ],
        },
        Quotient {
            above: [
                -2.089799311417641e-11,
                -0.10253905024137543,
                -8.05644828123936,
                -183.66960747488838,
                -1373.1937606550816,
                -2612.4444045321566,
            ],
            below: &[
                81.27655013843358,
                1991.7987346048596,
                17468.48519249089,
                49851.42709103523,
                27948.075163891812,
                -4719.183547951285,
            ],
        },
        Quotient {
            above: [
                -5.078312264617666e-09,
                -0.10253782982083709,
                -4.610115811394734,
                -57.847221656278364,
                -228.2445407376317,
                -219.21012847890933,
            ],
            below: &[
                47.66515503237295,
                673.8651126766997,
                3380.1528667952634,
                5547.729097207228,
                1903.119193388108,
                -135.20119144430734,
            ],
        },
        Quotient {
            above: [
                -1.7838172751095887e-07,
                -0.10251704260798555,
                -2.7522056827818746,
                -19.663616264370372,
                -42.32531333728305,
                -21.371921170370406,
            ],
            below: &[
                29.533362906052385,
                252.98154998219053,
                757.5028348686454,
                739.3932053204672,
                155.94900333666612,
                -4.959498988226282,
            ],
        },
    ],
};

const ERF_A: [f64; 8] = [
    1.1975323115670913,
    47.07268811238398,
    697.062665343896,
    4854.886889384388,
    16235.862515167575,
    23782.041382114385,
    11819.493347062295,
    887.0940696254552,
];
const ERF_B: [f64; 8] = [
    1.0,
    42.31333070160091,
    687.1870074920579,
    5394.196021424751,
    21213.794301586597,
    39307.89580009271,
    28729.085735721943,
    5226.495278852854,
];
const ERF_C: [f64; 8] = [
    1.4234371107496835,
    4.630337846156546,
    5.769497221460691,
    3.6478483247632045,
    1.2704582524523684,
    0.2417807251774506,
    0.022723844989269184,
    0.0007745450142783414,
];
const ERF_D: [f64; 8] = [
    std::f64::consts::SQRT_2,
    2.9036514445419948,
    2.3707661626024534,
    0.9754783200178743,
    0.2094506521051275,
    0.021494160384252878,
    0.0007744145906515771,
    1.4859850019840355e-09,
];
const ERF_E: [f64; 8] = [
    6.657904643501103,
    5.463784911164114,
    1.7848265399172913,
    0.29656057182850487,
    0.026532189526576124,
    0.0012426609473880784,
    2.7115555687434876e-05,
    2.0103343992922881e-07,
];
const ERF_F: [f64; 8] = [
    std::f64::consts::SQRT_2,
    0.8482908416595164,
    0.19364809469506591,
    0.02103693768272069,
    0.0011128009970788597,
    2.6110884050805935e-05,
    2.010321207683943e-07,
    2.8910246058729655e-15,
];
