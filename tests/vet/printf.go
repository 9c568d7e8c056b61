package main

import (
	"errors"
	"fmt"
	"log"
	"os"
)

type T struct{ x int }

func (t *T) String() string { return fmt.Sprintf("%s", t) }

type E struct{}

func (E) Error() string { return "e" }

type hidden struct{ e E }

func logf(format string, args ...any) { log.Printf(format, args...) }

func outer(format string, args ...any) { logf("x: "+format, args...) }

func through(prefix string, format string, args ...any) { logf(format, args...) }

func forgot(format string, args ...any) { logf(format, args) }

func show(args ...any) { fmt.Println(args...) }

func main() {
	s, n, err := "s", 3, errors.New("e")
	f := func() {}
	fmt.Printf("%d\n", s)
	fmt.Printf("%s %s\n", s)
	fmt.Printf("%s\n", s, n)
	fmt.Printf("hello\n", s)
	fmt.Printf("%z %v\n", s, n)
	fmt.Printf("%-+ #d\n", n)
	fmt.Printf("%*d\n", s, n)
	fmt.Printf("%[3]d %d\n", n, n)
	fmt.Printf("%[x]d\n", n)
	fmt.Printf("é\t%t\n", n)
	fmt.Printf("%")
	fmt.Printf("%v\n", f)
	fmt.Printf(s)
	fmt.Printf("%w\n", err)
	fmt.Println("%d", n)
	fmt.Println("done\n")
	fmt.Println(f)
	fmt.Print(os.Stderr, "x")
	fmt.Sprint("a%20b", "100%")
	_ = fmt.Errorf("%w %d", err, err)
	_ = fmt.Errorf("%w", n)
	_ = fmt.Errorf("%w", &E{})
	_ = fmt.Errorf("%w", nil)
	_ = fmt.Errorf("%d %v", nil, nil)
	logf("%d", s)
	through("a", "%s", n)
	show("%d", n)
	local := func(format string, args ...any) { fmt.Printf(format, args...) }
	local("%d", "x")
	fmt.Printf("%s %v %d %x\n", []byte("b"), T{}, []int{1}, "hex")
	fmt.Printf("%s\n", hidden{})
	fmt.Printf("%s %q\n", []string{"a"}, map[string]int{})
	fmt.Printf("%p %t\n", &n, true)
	fmt.Printf("%d\n", any(n))
	log.Fatalf("%s", 3.5)
	outer("%d", "not checked")
	forgot("x")
}
