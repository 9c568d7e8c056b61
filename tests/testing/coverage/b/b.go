package b

var n int

func Note() {
	n++
}

func Other(c chan int) {
	select {
	case <-c:
		n = 1
	default:
	}
}
