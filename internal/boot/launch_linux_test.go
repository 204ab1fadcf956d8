package boot

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwnThreadIsNeverTheMainOne(t *testing.T) {
	for range 200 { // the scheduler puts some of them on the main thread
		tid := make(chan int)
		onOwnThread(func() { tid <- syscall.Gettid() })
		require.NotEqual(t, os.Getpid(), <-tid)
		runtime.Gosched()
	}
}
