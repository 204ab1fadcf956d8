// Command helper is the server that boot's tests start: small, and wrong in
// whatever way it is asked to be.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	rest := flag.String("rest", "", "address to listen on")
	mode := flag.String("mode", "ok", "what to do wrong")
	models := flag.String("models", "", "model store")
	flag.Parse()
	switch *mode {
	case "exit":
		fmt.Fprintln(os.Stderr, "line one")
		fmt.Fprintln(os.Stderr, "cannot open the weights")
		os.Exit(3)
	case "silent":
		fmt.Println("loading for ever")
		wait(syscall.SIGTERM)
		return
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("not listening to SIGTERM")
	case "child":
		signal.Ignore(syscall.SIGTERM)
		wait(syscall.SIGUSR1) // which nobody sends
	case "eat":
		eat()
	case "compile": // the initialisation of a server: makes one file of another
		if err := compile(flag.Arg(0), flag.Arg(1)); err != nil {
			fmt.Fprintln(os.Stderr, "compile:", err)
			os.Exit(4)
		}
		return
	}
	serve(*rest, *mode, *models)
}

func compile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, []byte("compiled from "+string(b)), 0o644)
}

func serve(rest, mode, models string) {
	handle(mode, models)
	l, err := net.Listen("tcp", rest)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if mode == "tree" {
		child := exec.Command(os.Args[0], "-mode=child")
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("child", child.Process.Pid)
	}
	go func() {
		err := http.Serve(l, nil)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}()
	fmt.Println("serving")
	if mode == "stubborn" {
		select {}
	}
	wait(syscall.SIGTERM)
	fmt.Println("ending in order")
}

// handle answers as the tests ask.
func handle(mode, models string) {
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		if mode == "nonsense" {
			fmt.Fprint(w, "<html>welcome</html>")
			return
		}
		fmt.Fprint(w, "42")
	})
	http.HandleFunc("GET /crash", func(http.ResponseWriter, *http.Request) {
		fmt.Println("asked to crash")
		os.Exit(7)
	})
	http.HandleFunc("GET /eat", func(http.ResponseWriter, *http.Request) { eat() })
	http.HandleFunc("GET /cores", func(w http.ResponseWriter, _ *http.Request) {
		b, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
				fmt.Fprint(w, strings.TrimSpace(v))
			}
		}
	})
	http.HandleFunc("GET /file/", func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/file")
		if dir, err := os.ReadDir(path); err == nil {
			fmt.Fprintf(w, "folder of %d", len(dir))
			return
		}
		b, err := os.ReadFile(path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(b)
	})
	http.HandleFunc("POST /file/", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(strings.TrimPrefix(r.URL.Path, "/file"), nil, 0o644); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	http.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Join(os.Environ(), "\n"))
	})
	http.HandleFunc("GET /model", func(w http.ResponseWriter, _ *http.Request) {
		b, err := os.ReadFile(models + "/tiny/model.json")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		err = os.WriteFile(models+"/tiny/new", nil, 0o644)
		fmt.Fprintf(w, "%s writable=%t", b, err == nil)
	})
}

func wait(s os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, s)
	<-c
}

// eat takes memory up to a bound that no test allows.
func eat() {
	var all [][]byte
	for range 64 {
		b := make([]byte, 8<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
	}
	fmt.Println("ate", len(all))
}
