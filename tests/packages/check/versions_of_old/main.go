package main

type a = int

type one interface{ m() }

type two interface{ m() }

func main() {
	n := 3
	_ = 1 << n
	_ = 0b11
	_ = 0o7
	_ = 0x1p-2
	_ = 1_000
	_ = 1 << uint(n)
}
