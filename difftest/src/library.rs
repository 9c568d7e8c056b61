//! Calls of the standard library with random arguments, and fmt's verbs with random flags on values of random types.

use crate::generate::Generator;

/// Calls by their arguments: `{S}` a string, `{L}` a longer text, `{I}` a small int, `{N}` any int, `{F}` a float, `{R}` a rune, `{B}` bytes,
/// `{LI}` ints, `{LS}` strings, `{U}` a uint64, `{b}` a base, `{v}` a float's format, `{D}` a duration, `{T}` a time.
const CALLS: &[&str] = &[
    "strings.Fields({L})",
    "strings.Split({L}, {S})",
    "strings.SplitN({L}, {S}, {I}-1)",
    "strings.SplitAfter({L}, {S})",
    "strings.TrimSpace({L})",
    "strings.Trim({L}, {S})",
    "strings.TrimLeft({L}, {S})",
    "strings.TrimRight({L}, {S})",
    "strings.TrimPrefix({L}, {S})",
    "strings.TrimSuffix({L}, {S})",
    "strings.TrimFunc({L}, unicode.IsLetter)",
    "strings.Index({L}, {S})",
    "strings.LastIndex({L}, {S})",
    "strings.IndexAny({L}, {S})",
    "strings.LastIndexAny({L}, {S})",
    "strings.IndexByte({L}, byte(same({R})))",
    "strings.IndexRune({L}, {R})",
    "strings.IndexFunc({L}, unicode.IsSpace)",
    "strings.Count({L}, {S})",
    "strings.Contains({L}, {S})",
    "strings.ContainsAny({L}, {S})",
    "strings.ContainsRune({L}, {R})",
    "strings.HasPrefix({L}, {S})",
    "strings.EqualFold({S}, {S})",
    "strings.EqualFold({L}, strings.ToUpper({L}))",
    "strings.Compare({S}, {S})",
    "strings.Replace({L}, {S}, {S}, {I}-1)",
    "clip(strings.ReplaceAll({L}, {S}, {S}))",
    "strings.NewReplacer({S}, {S}, {S}, {S}).Replace({L})",
    "strings.NewReplacer(\"a\", \"1\", \"b\", \"2\", \"é\", \"\").Replace({L})",
    "strings.Map(func(r rune) rune { if r == {R} { return -1 }; return r + 1 }, {L})",
    "strings.ToUpper({L})",
    "strings.ToLower({L})",
    "strings.ToTitle({L})",
    "strings.ToValidUTF8({L}, {S})",
    "strings.Repeat({S}, {I})",
    "strings.Join({LS}, {S})",
    "strings.Cut({L}, {S})",
    "strings.CutPrefix({L}, {S})",
    "strings.CutLast({L}, {S})",
    "strings.FieldsFunc({L}, func(r rune) bool { return r < {R} })",
    "slices.Collect(strings.SplitSeq({L}, {S}))",
    "slices.Collect(strings.Lines({L}))",
    "bytes.Fields({B})",
    "bytes.Equal({B}, {B})",
    "bytes.Compare({B}, {B})",
    "bytes.ToUpper({B})",
    "bytes.Runes({B})",
    "bytes.Split({B}, []byte({S}))",
    "bytes.Title({B})",
    "bytes.TrimRight({B}, {S})",
    "strconv.Quote({L})",
    "strconv.QuoteToASCII({L})",
    "strconv.QuoteToGraphic({L})",
    "strconv.QuoteRune({R})",
    "strconv.Unquote({S})",
    "strconv.Unquote(strconv.Quote({L}))",
    "strconv.AppendQuote(nil, {L})",
    "strconv.Itoa({N})",
    "strconv.FormatInt(int64({N}), {b})",
    "strconv.FormatUint({U}, {b})",
    "strconv.ParseInt({num}, {b0}, {bits})",
    "strconv.ParseUint({num}, {b0}, {bits})",
    "strconv.Atoi({num})",
    "strconv.ParseFloat({num}, 64)",
    "strconv.ParseFloat({num}, 32)",
    "strconv.ParseBool({num})",
    "strconv.ParseComplex({num}, 128)",
    "strconv.FormatFloat({F}, {v}, {p}, 64)",
    "strconv.FormatFloat({F}, {v}, {p}, 32)",
    "strconv.FormatFloat(math.Float64frombits({U}), {v}, -1, 64)",
    "strconv.FormatFloat(float64(math.Float32frombits(uint32({U}))), {v}, {p}, 32)",
    "strconv.ParseFloat(strconv.FormatFloat(math.Float64frombits({U}), {v}, -1, 64), 64)",
    "strconv.FormatComplex(complex({F}, {F}), {v}, {p}, 128)",
    "math.Floor({F})",
    "math.Ceil({F})",
    "math.Round({F})",
    "math.RoundToEven({F})",
    "math.Trunc({F})",
    "math.Mod({F}, {F})",
    "math.Remainder({F}, {F})",
    "math.Modf({F})",
    "math.Frexp({F})",
    "math.Ldexp({F}, {I})",
    "math.Sqrt({F})",
    "math.Hypot({F}, {F})",
    "math.Abs({F})",
    "math.Max({F}, {F})",
    "math.Min({F}, {F})",
    "math.Dim({F}, {F})",
    "math.Copysign({F}, {F})",
    "math.Signbit({F})",
    "math.IsNaN({F})",
    "math.IsInf({F}, 0)",
    "math.Float64bits({F})",
    "math.Nextafter({F}, {F})",
    "math.Cbrt({F})",
    "math.Pow({F}, float64({I}))",
    "math.Pow({F}, {F})",
    "math.Exp({F})",
    "math.Exp2(float64({I}))",
    "math.Log({F})",
    "math.Log2({F})",
    "math.Log10({F})",
    "math.Log1p({F})",
    "math.Expm1({F})",
    "math.Sin({F})",
    "math.Cos({F})",
    "math.Tan({F})",
    "math.Atan({F})",
    "math.Asin({F})",
    "math.Atan2({F}, {F})",
    "math.Sinh({F})",
    "math.Tanh({F})",
    "math.Gamma({F})",
    "math.Erf({F})",
    "math.FMA({F}, {F}, {F})",
    "math.Logb({F})",
    "math.Ilogb({F})",
    "cmplx.Abs(complex({F}, {F}))",
    "cmplx.Sqrt(complex({F}, {F}))",
    "cmplx.Exp(complex({F}, {F}))",
    "cmplx.Pow(complex({F}, {F}), complex({F}, 1))",
    "same(complex({F}, {F})) / complex({F}, {F})",
    "same(complex({F}, {F})) * complex({F}, {F})",
    "complex64(same(complex({F}, {F}))) / complex64(same(complex({F}, {F})))",
    "bits.OnesCount64({U})",
    "bits.LeadingZeros64({U})",
    "bits.TrailingZeros32(uint32({U}))",
    "bits.Len16(uint16({U}))",
    "bits.Reverse64({U})",
    "bits.ReverseBytes32(uint32({U}))",
    "bits.RotateLeft64({U}, {N})",
    "bits.RotateLeft8(uint8({U}), {I}-3)",
    "bits.Mul64({U}, {U})",
    "bits.Add64({U}, {U}, 1)",
    "bits.Sub64({U}, {U}, 1)",
    "bits.Rem64({U}, {U}, {U}|1)",
    "utf8.DecodeRuneInString({L})",
    "utf8.DecodeLastRuneInString({L})",
    "utf8.RuneCountInString({L})",
    "utf8.ValidString({L})",
    "utf8.FullRuneInString({S})",
    "utf8.RuneLen({R})",
    "utf8.AppendRune(nil, {R})",
    "utf16.Encode([]rune({L}))",
    "[]rune({L})",
    "string([]rune{{R}, {R}})",
    "unicode.IsUpper({R}), unicode.IsDigit({R}), unicode.IsPunct({R}), unicode.IsGraphic({R}), unicode.IsSymbol({R})",
    "unicode.ToUpper({R}), unicode.ToLower({R}), unicode.SimpleFold({R})",
    "slices.Sorted(slices.Values({LI}))",
    "slices.Sorted(maps.Keys(counts({LS})))",
    "slices.Max({LI}), slices.Min({LI})",
    "slices.Index({LI}, {I})",
    "slices.Contains({LS}, {S})",
    "slices.Compact({LI})",
    "slices.Compare({LI}, {LI})",
    "slices.Equal({LS}, {LS})",
    "slices.Insert({LI}, 1, {I}, {N})",
    "slices.Delete({LI}, 1, 2)",
    "slices.Replace({LI}, 0, 1, {I}, {I}, 9)",
    "slices.Concat({LI}, {LI}, nil)",
    "slices.Repeat({LI}, {I}&3)",
    "slices.BinarySearch(slices.Sorted(slices.Values({LI})), {I})",
    "slices.IndexFunc({LI}, func(n int) bool { return n > {I} })",
    "slices.Collect(slices.Chunk({LI}, 1+{I}&3))",
    "slices.SortedFunc(slices.Values({LS}), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })",
    "slices.SortedStableFunc(slices.Values({LS}), func(a, b string) int { return len(b) - len(a) })",
    "slices.IsSorted({LI})",
    "sorted(sort.IntSlice({LI}))",
    "sorted(sort.Reverse(sort.StringSlice({LS})))",
    "sort.SearchInts([]int{1, 4, 9, 16}, {I})",
    "sort.Find(5, func(i int) int { return {I} - i })",
    "cmp.Compare({F}, {F})",
    "cmp.Less({F}, {F})",
    "min({F}, {F}), max({F}, {F})",
    "hex.EncodeToString({B})",
    "hex.DecodeString({num})",
    "hex.Dump({B})",
    "base64.StdEncoding.EncodeToString({B})",
    "base64.RawURLEncoding.EncodeToString({B})",
    "base64.StdEncoding.DecodeString({num})",
    "crc32.ChecksumIEEE({B})",
    "sha256.Sum256({B})",
    "md5.Sum({B})",
    "html.EscapeString({L})",
    "html.UnescapeString({L})",
    "url.QueryEscape({L})",
    "url.PathEscape({L})",
    "url.QueryUnescape({S})",
    "path.Clean({L})",
    "path.Join({S}, \"..\", {S})",
    "path.Base({L}), path.Ext({L}), path.Dir({L})",
    "path.Match(\"*[a-c]?\", {S})",
    "regexp.MustCompile(`(\\w+)\\s*(\\d*)`).FindStringSubmatch({L})",
    "regexp.MustCompile(`[aeiou]+|\\d{2}`).FindAllStringIndex({L}, {I}-1)",
    "regexp.MustCompile(`(?i)b(.?)`).ReplaceAllString({L}, \"<$1>\")",
    "regexp.MustCompile(`\\s*,\\s*|x*`).Split({L}, -1)",
    "regexp.QuoteMeta({L})",
    "{D}.String()",
    "{D}.Round(time.Second), {D}.Truncate(time.Minute), {D}.Hours(), {D}.Milliseconds()",
    "time.ParseDuration({num})",
    "{T}.Format(time.RFC1123Z)",
    "{T}.Format(\"2006-01-02T15:04:05.000000Z07:00 Mon Jan _2 __2 PM\")",
    "{T}.Add({D}).Weekday(), {T}.YearDay(), {T}.Unix()",
    "{T}.AddDate({I}, {I}, {I}).String()",
    "{T}.Sub({T}.Add({D})), {T}.Truncate(time.Hour)",
    "{T}.ISOWeek()",
    "time.Parse(\"2006-01-02\", {num})",
    "errors.Join(fmt.Errorf(\"a %d: %w\", {I}, Fault({I})), errors.New({S}))",
    "errors.Is(fmt.Errorf(\"w: %w\", Fault({I}&3)), Fault({I}&3))",
    "errors.Unwrap(fmt.Errorf(\"%s: %w\", {S}, Fault(2)))",
    "scan({num}, \"%d\")",
    "scan({L}, \"%s %v\")",
    "scanFloat({num})",
    "csvRead({L})",
    "binary.BigEndian.AppendUint32(nil, uint32({U}))",
    "binary.AppendVarint(nil, int64({N}))",
    "binary.LittleEndian.Uint16({B})",
    "clear_({LI})",
    "copy({B}, {S})",
    "append({B}, {S}...)",
    "append({LI}[:1:1], {I}, {I})",
    "[2]int({LI})",
    "*(*[1]byte)({B})",
];

impl Generator {
    /// Notes the results of random calls.
    pub fn library(&mut self) {
        for _ in 0..16 {
            let mut call = self.random.pick(CALLS).to_owned();
            while let Some((before, rest)) = call
                .split_once('{')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
            {
                let Some((hole, after)) = rest.split_once('}') else {
                    break;
                };
                let Some(text) = self.argument(hole) else {
                    // A brace of Go's own: it is set aside until the end.
                    call = format!("{before}\u{1}{rest}");
                    continue;
                };
                call = format!("{before}{text}{after}");
            }
            let call = call.replace('\u{1}', "{").replace('\u{2}', "}");
            // Several results are one argument list; one call must stand alone.
            if self.random.chance(70) || call.contains("), ") {
                self.line(&format!("guard(func() {{ note({call}) }})"));
            } else {
                self.line(&format!("guard(func() {{ quoted({call}) }})"));
            }
        }
    }

    fn argument(&mut self, hole: &str) -> Option<String> {
        let guarded = |text: &str| text.replace('{', "\u{1}").replace('}', "\u{2}");
        Some(match hole {
            "S" => self
                .random
                .pick(&[
                    "s",
                    "\"\"",
                    "\"a\"",
                    "\"b\"",
                    "\" \"",
                    "\",\"",
                    "\"é\"",
                    "\"ab\"",
                    "\"\\xff\"",
                    "\"世\"",
                    "\"%20+\"",
                    "\"`\\\"\"",
                    "\"/\"",
                    "\"x\"",
                ])
                .to_owned(),
            "L" => self
                .random
                .pick(&[
                    "\"a b  c\\td\\n\"",
                    "\"a,b,,c,\"",
                    "\"abcabcabc\"",
                    "\"Ünïcödé ǅ ß İ ſ K\"",
                    "\"世界, 你好\"",
                    "\"bad\\xffutf\\xc3(8\\xe4\\xb8\"",
                    "\"line one\\nline two\\r\\n\\nlast\"",
                    "\"<a href=\\\"x\\\">&amp; 'q' &lt;&eacute;&#39;</a>\"",
                    "\"/a/./b//../c.tar.gz\"",
                    "\"\"",
                    "\"\\x00\\a\\u200b\\u00a0\\U0001F600\\u2028\"",
                    "\"12 34,56 x7\"",
                    "\"a,\\\"b \\\"\\\"c\\\"\\\"\\\",d\\ne,f,g\\n\"",
                    "s+s+\" \"+s",
                ])
                .to_owned(),
            "num" => self
                .random
                .pick(&[
                    "\"0\"",
                    "\"-0\"",
                    "\"42\"",
                    "\"+7\"",
                    "\"-128\"",
                    "\"255\"",
                    "\"256\"",
                    "\"0x1F\"",
                    "\"0b101\"",
                    "\"0o17\"",
                    "\"017\"",
                    "\"1_000\"",
                    "\"9223372036854775807\"",
                    "\"-9223372036854775808\"",
                    "\"18446744073709551616\"",
                    "\"\"",
                    "\" 1\"",
                    "\"1e3\"",
                    "\"1.5\"",
                    "\".5\"",
                    "\"5.\"",
                    "\"1e400\"",
                    "\"-1e-400\"",
                    "\"NaN\"",
                    "\"-Inf\"",
                    "\"infinity\"",
                    "\"0x1p-3\"",
                    "\"0x.8p1\"",
                    "\"1e\"",
                    "\"--1\"",
                    "\"zz\"",
                    "\"true\"",
                    "\"T\"",
                    "\"1h30m\"",
                    "\"1.5s\"",
                    "\"-2us3ns\"",
                    "\"1d\"",
                    "\"2024-02-29\"",
                    "\"2023-02-29\"",
                    "\"3+4i\"",
                    "\"i\"",
                    "\"2.2250738585072014e-308\"",
                    "\"179769313486231580793728971405301e277\"",
                    "\"0.1e-6\"",
                    "\"123456789012345678901234567890\"",
                    "\"1.00000017881393421514957253748434595763683319091796875001\"",
                    "\"YWJj\"",
                    "\"616\"",
                ])
                .to_owned(),
            "I" => self.random.below(7).to_string(),
            "N" => self
                .random
                .pick(&["a", "-1", "1<<62", "-1<<63", "123456789", "-42", "0"])
                .to_owned(),
            "U" => format!(
                "same[uint64]({})",
                self.random.next() >> self.random.below(64)
            ),
            "F" => match self.random.below(4) {
                0 => format!("math.Float64frombits(same[uint64]({}))", self.random.next()),
                1 => format!("float64(a) / {}", 3 + self.random.below(9)),
                _ => self
                    .random
                    .pick(&[
                        "0.0",
                        "negZero",
                        "nan",
                        "inf",
                        "-inf",
                        "1.0",
                        "-1.5",
                        "2.5",
                        "0.1",
                        "1e21",
                        "123456.789",
                        "1e-7",
                        "5e-324",
                        "1.7976931348623157e308",
                        "100.0",
                        "0.5",
                        "3.0",
                        "-7.25",
                        "1e6",
                        "999999.95",
                        "1e100",
                    ])
                    .to_owned(),
            },
            "R" => self
                .random
                .pick(&[
                    "'a'",
                    "'Z'",
                    "' '",
                    "'é'",
                    "'世'",
                    "rune(0x1F600)",
                    "same(rune(-1))",
                    "rune(0xD800)",
                    "same(rune(0x110000))",
                    "'\\n'",
                    "'ǅ'",
                    "'5'",
                    "'ß'",
                ])
                .to_owned(),
            "B" => guarded(self.random.pick(&[
                "[]byte(\"hello world\")",
                "[]byte{0, 255, 16, 65, 66, 67, 10, 200, 7, 8, 9, 1, 2, 3, 4, 5, 6, 77}",
                "[]byte(s)",
                "[]byte(\"é世\\xff\")",
                "[]byte(nil)",
            ])),
            "LI" => guarded(self.random.pick(&[
                "[]int{3, 1, 2}",
                "[]int{5, 5, 1, 1, 1, -4, 9, a}",
                "[]int(nil)",
                "[]int{a}",
                "[]int{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 12, 13, 10}",
            ])),
            "LS" => guarded(self.random.pick(&[
                "[]string{\"b\", \"a\", s, \"é\", \"\", \"a\"}",
                "[]string{}",
                "[]string{\"one\", \"two\", \"three\", \"four\", \"five\"}",
            ])),
            "b" => (2 + self.random.below(35)).to_string(),
            "b0" => self
                .random
                .pick(&["0", "10", "2", "16", "36", "8"])
                .to_owned(),
            "bits" => self.random.pick(&["0", "8", "16", "32", "64"]).to_owned(),
            "v" => self
                .random
                .pick(&["'e'", "'f'", "'g'", "'G'", "'x'", "'b'", "'E'", "'X'"])
                .to_owned(),
            "p" => self
                .random
                .pick(&["-1", "0", "1", "3", "10", "17", "25"])
                .to_owned(),
            "D" => format!(
                "same[time.Duration]({})",
                self.random.next() as i64 >> self.random.below(50)
            ),
            "T" => format!(
                "time.Unix({}, {}).UTC()",
                (self.random.next() as i64) >> (28 + self.random.below(10)),
                self.random.below(1_000_000_000)
            ),
            _ => return None,
        })
    }

    /// A format with random flags, widths and precisions, and the values it formats.
    pub fn formats(&mut self) {
        for _ in 0..14 {
            let mut format = std::string::String::new();
            let mut values = Vec::new();
            for _ in 0..1 + self.random.below(3) {
                format.push('%');
                for flag in ["#", "+", "-", " ", "0"] {
                    if self.random.chance(18) {
                        format.push_str(flag);
                    }
                }
                match self.random.below(8) {
                    0 | 1 => format.push_str(&self.random.below(14).to_string()),
                    2 => {
                        format.push('*');
                        values.push((self.random.below(12) as i64 - 4).to_string());
                    }
                    _ => {}
                }
                match self.random.below(8) {
                    0 | 1 => format.push_str(&format!(".{}", self.random.below(9))),
                    2 => format.push('.'),
                    3 if self.random.chance(30) => {
                        format.push_str(".*");
                        values.push(self.random.below(6).to_string());
                    }
                    _ => {}
                }
                if self.random.chance(4) {
                    format.push_str("[1]");
                }
                let verb = self.random.pick(&[
                    "v", "v", "v", "d", "s", "q", "x", "X", "T", "t", "f", "e", "g", "G", "E", "F",
                    "b", "o", "O", "c", "U", "z", "%",
                ]);
                format.push_str(verb);
                format.push_str(self.random.pick(&["|", " ", "é", ""]));
                let form = self.form(2);
                let value = self.value(&form, 2);
                if !self.random.chance(3) {
                    values.push(value);
                }
            }
            let list: std::string::String = values.iter().flat_map(|value| [", ", value]).collect();
            self.line(&format!("show(\"{format}\"{list})"));
        }
        let form = self.form(2);
        let (a, b) = (self.value(&form, 2), self.value(&form, 2));
        self.line(&format!(
            "note(fmt.Sprint({a}, {b}, 1, 2, \"x\", \"y\", 3, {a}, nil))"
        ));
        self.line(&format!(
            "note(fmt.Sprintln({a}, {b}), fmt.Sprint(), fmt.Sprint(\"a\", {b}))"
        ));
    }
}
