package m

import (
	"fmt"
	"testing"
)

func Testsmall(t *testing.T) {}

func Test_fine(t *testing.T) {}

func Benchmarksmall(b *testing.B) {}

func ExampleThing() {
	fmt.Println(1)
	// Output: 1
}

func ExampleNothing() {}

func ExampleThing_Show() {}

func ExampleThing_Hide() {}

func ExampleThing_Show_Bad() {}

func ExampleThing_suffix() {}

func Example_Bad() {}

func ExampleLoops(n int) {}

func ExampleWrong() int {
	fmt.Println("a")
	// Output: a

	// more
	return 1
}

func ExampleThing_two() {
	// Output: a

	// Output: b
}

func helper(t *testing.T) { t.Fatal("x") }

func TestGoroutines(t *testing.T) {
	go func() {
		t.Fatal("in a goroutine")
	}()
	go helper(t)
	later := func() { t.SkipNow() }
	go later()
	go t.FailNow()
	t.Run("sub", func(t *testing.T) {
		t.Fatal("fine")
		go func() { t.Errorf("fine"); t.Fatalf("not") }()
	})
	go func() {
		t.Run("inner", func(t *testing.T) { t.Fatal("its own") })
	}()
}

func FuzzRight(f *testing.F) {
	f.Add("a", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {})
}

func FuzzWrong(f *testing.F) {
	f.Add("a")
	f.Add(1, 2)
	f.Add("a", "b")
	f.Fuzz(func(t *testing.T, s string, n int) { f.Log("x") })
	f.Fuzz(func(t *testing.T, m map[string]int) int { return 1 })
	f.Fuzz(func(s string) {})
	f.Fuzz(1)
	fmt.Printf("%d\n", "x")
}
