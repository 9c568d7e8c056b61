//go:embed hello.txt
package main

//go:embed hello.txt
import _ "embed"

//go:embed hello.txt
var a, b string

//go:embed hello.txt
var c string = "c"

//go:embed hello.txt
var d = "d"

//go:embed hello.txt
const e = 1

const (
	//go:embed hello.txt
	e2 = 1
)

//go:embed hello.txt
type T string

//go:embed hello.txt
func f() {}

//go:embed hello.txt
//go:embed main.go
func main() {
	//go:embed hello.txt
	var s string
	_ = s
}
