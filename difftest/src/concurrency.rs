//! Goroutines, channels, select and package sync, in patterns whose outcome no schedule changes.

use crate::generate::Generator;

impl Generator {
    /// A pure int expression of `x` and `y`.
    fn pure_int(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.random.below(4) {
                0 => "x".to_owned(),
                1 => "y".to_owned(),
                2 => "len(s)".to_owned(),
                _ => self.random.below(20).to_string(),
            };
        }
        let (a, b) = (self.pure_int(depth - 1), self.pure_int(depth - 1));
        match self.random.below(8) {
            0..=4 => format!("({a} {} {b})", self.random.pick(&["+", "-", "*", "^", "|"])),
            5 => format!("({a} % {})", 1 + self.random.below(9)),
            6 => format!("half({a})"),
            _ => format!("max({a}, {b})"),
        }
    }

    fn next_name(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    pub fn concurrency(&mut self) {
        self.line("x, y := a+1, a*3");
        self.line("_, _ = x, y");
        for _ in 0..4 + self.random.below(3) {
            // Both variables are used, whichever of them a pattern declares.
            let [e, f, g] = [2, 2, 1].map(|depth| format!("(x ^ y + {})", self.pure_int(depth)));
            let (n, m, cap) = (
                2 + self.random.below(6),
                1 + self.random.below(20),
                self.random.below(4),
            );
            let form = self.form(2);
            let (ty, value) = (self.form_name(&form), self.value(&form, 2));
            let text = match self.random.below(19) {
                0 => format!(
                    "out := make([]int, {n})\nvar wg sync.WaitGroup\nfor x := range {n} {{ wg.Go(func() {{ out[x] = {e} }}) }}\nwg.Wait()\nnote(out)"
                ),
                1 => format!(
                    "jobs, results := make(chan int, {cap}), make(chan [2]int, {cap})\nvar wg sync.WaitGroup\nfor range {n} {{ wg.Add(1); go func() {{ defer wg.Done(); for x := range jobs {{ results <- [2]int{{x, {e}}} }} }}() }}\ngo func() {{ for i := range {m} {{ jobs <- i }}; close(jobs); wg.Wait(); close(results) }}()\nall := map[int]int{{}}\nfor p := range results {{ all[p[0]] = p[1] }}\nnote(all)"
                ),
                2 => format!(
                    "stage := func(in <-chan int, f func(x int) int) <-chan int {{ c := make(chan int, {cap}); go func() {{ defer close(c); for x := range in {{ c <- f(x) }} }}(); return c }}\nsrc := make(chan int)\ngo func() {{ for i := range {m} {{ src <- i }}; close(src) }}()\nfor v := range stage(stage(src, func(x int) int {{ return {e} }}), func(x int) int {{ return {f} }}) {{ note(v) }}"
                ),
                3 => format!(
                    "var mu sync.Mutex\nvar wg sync.WaitGroup\ntotal := 0\nfor x := range {n} {{ wg.Add(1); go func() {{ defer wg.Done(); for y := range {m} {{ mu.Lock(); total += {e}; mu.Unlock(); if y%5 == 0 {{ runtime.Gosched() }} }} }}() }}\nwg.Wait()\nnote(total)"
                ),
                4 => format!(
                    "var total atomic.Int64\nvar wg sync.WaitGroup\nfor x := range {n} {{ wg.Go(func() {{ for y := range {m} {{ total.Add(int64({e})) }} }}) }}\nwg.Wait()\nnote(total.Load())"
                ),
                5 => format!(
                    "ping, pong := make(chan int), make(chan int)\ngo func() {{ for x := range ping {{ pong <- {e} }}; close(pong) }}()\nfor i := range {n} {{ ping <- i; note(<-pong) }}\nclose(ping)\n_, ok := <-pong\nnote(ok)"
                ),
                6 => format!(
                    "c := make(chan {ty}, {cap})\ngo func() {{ defer close(c); for range {n} {{ c <- {value} }} }}()\nk := 0\nfor v := range c {{ if k == 0 {{ show(\"%v\", v) }}; k++ }}\nnote(k)"
                ),
                7 => format!(
                    "ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), Num(1), {e}))\nvar wg sync.WaitGroup\nn := atomic.Int32{{}}\nfor range {n} {{ wg.Go(func() {{ <-ctx.Done(); n.Add(1) }}) }}\ncancel(Fault({cap}))\nwg.Wait()\nnote(n.Load(), ctx.Err(), context.Cause(ctx), ctx.Value(Num(1)), ctx.Value(1))"
                ),
                8 => format!(
                    "var once sync.Once\nvar wg sync.WaitGroup\nk := 0\nfor range {n} {{ wg.Go(func() {{ once.Do(func() {{ k += {e} }}) }}) }}\nwg.Wait()\nv := sync.OnceValue(func() int {{ k++; return k }})\nnote(k, v(), v(), k)"
                ),
                9 => format!(
                    "var mu sync.Mutex\ncond := sync.NewCond(&mu)\nturn, order := 0, []int{{}}\nvar wg sync.WaitGroup\nfor i := range {n} {{ wg.Go(func() {{ mu.Lock(); defer mu.Unlock(); for turn != i {{ cond.Wait() }}; order = append(order, i); turn++; cond.Broadcast() }}) }}\nwg.Wait()\nnote(order)"
                ),
                10 => format!(
                    "a, b, quit := make(chan int), make(chan string), make(chan struct{{}})\ngo func() {{ for x := range {n} {{ a <- {e} }}; close(quit) }}()\nsumA, left := 0, 0\nloop{0}:\nfor {{ select {{ case v, ok := <-a: sumA += v; _ = ok; case v := <-b: note(v); case <-quit: break loop{0} }} }}\nselect {{ case v := <-a: left = v; default: left = -1 }}\nnote(sumA, left)",
                    self.next_name()
                ),
                11 => format!(
                    "var rw sync.RWMutex\nm := map[int]int{{}}\nvar wg sync.WaitGroup\nfor x := range {n} {{ wg.Go(func() {{ rw.Lock(); m[x] = {e}; rw.Unlock(); rw.RLock(); defer rw.RUnlock(); if m[x] != {e} {{ panic(x) }} }}) }}\nwg.Wait()\nnote(len(m), m)"
                ),
                12 => format!(
                    "errs := make(chan error, {n})\nfor x := range {n} {{ go func() {{ defer func() {{ if r := recover(); r != nil {{ errs <- fmt.Errorf(\"%v\", r) }} else {{ errs <- nil }} }}(); if x%2 == 0 {{ panic(fmt.Sprint({g})) }} }}() }}\nvar texts []string\nfor range {n} {{ if err := <-errs; err != nil {{ texts = append(texts, err.Error()) }} }}\nslices.Sort(texts)\nnote(texts)"
                ),
                13 => format!(
                    "var gen func(n int) <-chan int\ngen = func(n int) <-chan int {{ c := make(chan int); go func() {{ defer close(c); if n > 0 {{ for v := range gen(n - 1) {{ c <- v }}; x := n; c <- {e}; for v := range gen(n - 1) {{ c <- v }} }} }}(); return c }}\nfor v := range gen(3) {{ note(v) }}"
                ),
                14 => format!(
                    "sem := make(chan struct{{}}, {cap} + 1)\nvar running, peak, wg = atomic.Int32{{}}, atomic.Int32{{}}, sync.WaitGroup{{}}\nfor range {m} {{ wg.Go(func() {{ sem <- struct{{}}{{}}; if n := running.Add(1); n > {cap}+1 {{ peak.Store(n) }}; runtime.Gosched(); running.Add(-1); <-sem }}) }}\nwg.Wait()\nnote(peak.Load(), running.Load())"
                ),
                15 => format!(
                    "next, stop := iter.Pull(func(yield func(int) bool) {{ defer note(\"stopped\"); for x := range {m} {{ if !yield({e}) {{ return }} }} }})\nfor range {cap} + 1 {{ v, ok := next(); note(v, ok) }}\nstop()\nv, ok := next()\nnote(v, ok)"
                ),
                16 => format!(
                    "type request struct {{ x int; reply chan int }}\nrequests := make(chan request)\ngo func() {{ state := 0; for q := range requests {{ x := q.x; state += {e}; q.reply <- state }} }}()\nfor i := range {n} {{ reply := make(chan int); requests <- request{{i, reply}}; note(<-reply) }}\nclose(requests)"
                ),
                17 => format!(
                    "var p atomic.Pointer[Point]\nvar v atomic.Value\np.Store(&Point{{x: {e}}})\nold := p.Swap(&Point{{y: {f}}})\nnote(*old, *p.Load(), p.CompareAndSwap(old, nil), v.Load() == nil)\nv.Store(\"s\")\nguard(func() {{ v.Store({cap}) }})\nnote(v.Swap(\"t\"), v.CompareAndSwap(\"t\", \"u\"), v.Load())"
                ),
                _ => format!(
                    "var sm sync.Map\nvar wg sync.WaitGroup\nfor x := range {n} {{ wg.Go(func() {{ sm.Store(x, {e}); sm.LoadOrStore(x, 1); sm.LoadOrStore(-x-1, x) }}) }}\nwg.Wait()\nall := map[any]any{{}}\nsm.Range(func(k, v any) bool {{ all[k] = v; return true }})\nv, ok := sm.LoadAndDelete(0)\n_, again := sm.Load(0)\nnote(len(all), all[1], all[-1], v, ok, again)"
                ),
            };
            self.line("{");
            self.indent += 1;
            for line in text.lines() {
                self.line(line);
            }
            self.indent -= 1;
            self.line("}");
        }
    }
}
