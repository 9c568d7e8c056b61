package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
	"unicode"
)

type own struct{ a, b int }

type attribute interface{ String() string }

func literals() []any {
	frozen := unicode.Range16{1, 2, 3}
	failed := url.Error{"Get", "http://x", os.ErrNotExist}
	pointer := &url.Error{"Get", "http://y", os.ErrNotExist}
	named := url.Error{Op: "Get"}
	list := []url.Error{{"a", "b", nil}, {Op: "c"}}
	pointers := []*url.Error{{"a", "b", nil}}
	mine := own{1, 2}
	return []any{frozen, failed, pointer, named, list, pointers, mine, struct{ a int }{1}}
}

func asks(client *http.Client) error {
	response, err := http.Get("http://x")
	defer response.Body.Close()
	if err != nil {
		return err
	}
	other, err := client.Get("http://y")
	if err != nil {
		return err
	}
	defer other.Body.Close()
	third, err := client.Head("http://z")
	defer third.Body.Close()
	_ = err
	return nil
}

func dials(host string, port int) {
	net.Dial("tcp", fmt.Sprintf("%s:%d", host, port))
	address := fmt.Sprintf("%s:%s", host, "80")
	net.Dial("tcp", address)
	net.DialTimeout("tcp", fmt.Sprintf("%s:%d", host, port), time.Second)
	var late = fmt.Sprintf("%s:%d", host, port)
	net.DialTimeout("tcp", late, time.Second)
	net.Dial("tcp", net.JoinHostPort(host, "80"))
	net.Dial("tcp", fmt.Sprintf("%s:%d/", host, port))
	var dialer net.Dialer
	dialer.Dial("tcp", fmt.Sprintf("%s:%d", host, port))
}

func logs(logger *slog.Logger, key any, attr attribute) {
	slog.Info("right", "a", 1, "b", 2)
	slog.Info("no value", "a", 1, "b")
	slog.Info("no key", 1)
	slog.Warn("no key later", "a", 1, 2, "b")
	logger.Error("an attribute", slog.Int("a", 1), "b")
	logger.With("a").Debug("x")
	slog.Info("unknown", key, 1, "b")
	slog.Info("unknown", key, 1, 2)
	slog.Info("interface", attr, 1)
	slog.Group("g", "a")
	args := []any{"a"}
	slog.Info("spread", args...)
}

func main() {
	fmt.Println(literals(), asks(http.DefaultClient))
	dials("localhost", 80)
	logs(slog.Default(), "k", nil)
}
