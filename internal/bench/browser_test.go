//go:build browser

package bench

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHTMLInBrowser opens the report as its reader does: every chart is drawn, the console has no error, and
// nothing is asked of a network.
func TestHTMLInBrowser(t *testing.T) {
	dir := t.TempDir()
	report := filepath.Join(dir, "report.html")
	f, err := os.Create(report)
	if err != nil {
		t.Fatal(err)
	}
	if err := sample(t).WriteHTML(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	dom := browse(t, dir, "--dump-dom", report)
	const charts = 3 * 2 // of each of the sample's runs
	if n := strings.Count(dom, "<canvas"); n != charts {
		t.Errorf("%d charts in the page, want %d", n, charts)
	}
	if !strings.Contains(dom, "kafka_prober bench 0123456789abcdef") {
		t.Errorf("the page has no heading:\n%.500s", dom)
	}

	shot := filepath.Join(dir, "shot.png")
	browse(t, dir, "--screenshot="+shot, "--window-size=1200,2400", report)
	checkDrawn(t, shot)
}

// browse runs the browser and returns what it prints. Errors of the page and requests beyond it fail the test.
func browse(t *testing.T, dir, action string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium on PATH (Debian: apt-get install chromium)")
	}
	requests := filepath.Join(dir, "requests.json")
	args[len(args)-1] = "file://" + args[len(args)-1]
	cmd := exec.CommandContext(t.Context(), path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + filepath.Join(dir, "profile"), "--virtual-time-budget=5000",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
		"--enable-logging=stderr", "--log-net-log=" + requests, action,
	}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if found := regexp.MustCompile(`.*CONSOLE.*`).FindAllString(stderr.String(), -1); found != nil {
		t.Errorf("the console says\n%s", strings.Join(found, "\n"))
	}
	text, err := os.ReadFile(requests)
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Events []struct {
			Params struct{ URL string }
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	for _, e := range log.Events {
		if strings.HasPrefix(e.Params.URL, "http") && !strings.Contains(e.Params.URL, ".google") { // the browser's own
			t.Errorf("the page asks for %s", e.Params.URL)
		}
	}
	return stdout.String()
}

// checkDrawn looks for the lines of the charts.
func checkDrawn(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	shot, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if n := coloured(shot); n < 1000 {
		t.Errorf("%d pixels have a colour: the charts are empty", n)
	}
}

// coloured counts the pixels that are not grey.
func coloured(of image.Image) (n int) {
	for y := of.Bounds().Min.Y; y < of.Bounds().Max.Y; y++ {
		for x := of.Bounds().Min.X; x < of.Bounds().Max.X; x++ {
			c := color.NRGBAModel.Convert(of.At(x, y)).(color.NRGBA)
			if max(c.R, c.G, c.B)-min(c.R, c.G, c.B) > 60 {
				n++
			}
		}
	}
	return n
}
