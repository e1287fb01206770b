// Third-party and unmodified, by the simulator of govmomi ("vcsim") as Debian packages it: inventory, properties, views, filters
// and updates, tasks, snapshots, power, datastore files.
// Ours, in this folder, and therefore no independent evidence: a fresh certificate for each run, authentication on /folder
// (folder.go), paging (paging.go), sizes of disks (disks.go), and the orders on standard input.

package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

type announcement struct {
	URL               string            `json:"url"`
	CertificateSha256 string            `json:"certificate_sha256"`
	DatastoreFolders  map[string]string `json:"datastore_folders"`
}

// One JSON line announces it. Each line of standard input is an order and is answered by one line; its end ends the program.
func serve(arguments []string) {
	model := simulator.VPX()
	// All VMs in one pool, so that the number asked for is the number there is.
	model.Host = 0
	model.ClusterHost = 2
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	listen := flags.String("l", "127.0.0.1:0", "address to listen on")
	username := flags.String("username", "administrator@vsphere.local", "the only user")
	passwordFile := flags.String("password-file", "", "file with the user's password")
	flags.IntVar(&model.Machine, "vm", 2, "number of VMs")
	flags.BoolVar(&model.Autostart, "autostart", true, "VMs are powered on")
	diskBytes := flags.Int64("disk-bytes", 0, "size of each disk and of the file behind it; 0: as the simulator makes them")
	pageSize := flags.Int("page", 0, "most objects in one reply; 0: only what the client asks for")
	flags.DurationVar(&simulator.SessionIdleTimeout, "idle", 0, "sessions end when idle for so long; 0: never")
	check(flags.Parse(arguments))

	user := readUser(*username, *passwordFile)
	check(model.Create())
	defer model.Remove()
	sizeDisks(*diskBytes)
	putPagingCollector(model.ServiceContent.PropertyCollector, *pageSize)

	certificate, digest, err := makeCertificate()
	check(err)
	model.Service.Listen = &url.URL{Host: *listen, User: user}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server := model.Service.NewServer()
	server.Config.Handler = guardFolder(model.Service.ServeMux, user)

	address := *server.URL
	address.User = nil
	say(announcement{URL: address.String(), CertificateSha256: digest, DatastoreFolders: datastoreFolders()})

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	orders := make(chan string)
	go readOrders(orders)
	for {
		select {
		case <-signals:
			return
		case order, open := <-orders:
			if !open {
				return
			}
			if order != "end-sessions" {
				log.Fatalf("unknown order %q", order)
			}
			check(endSessions(server.URL, digest))
			say(map[string]string{"done": order})
		}
	}
}

func readOrders(orders chan<- string) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		orders <- lines.Text()
	}
	close(orders)
}

func datastoreFolders() map[string]string {
	folders := make(map[string]string)
	for _, item := range simulator.Map.All("Datastore") {
		store := item.(*simulator.Datastore)
		folders[store.Name] = store.Info.GetDatastoreInfo().Url
	}
	return folders
}

func say(line interface{}) {
	text, err := json.Marshal(line)
	check(err)
	fmt.Println(string(text))
}
