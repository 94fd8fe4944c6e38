// Judge certificates as Go's TLS clients and servers do: verify DIRECTORY..., each with roots.pem and either the name
// and port of a server that presents the certificate, or leaf.pem and sent.pem of a client's.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

func certificates(path string) ([]*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	return found, nil
}

func pool(path string) (*x509.CertPool, error) {
	found, err := certificates(path)
	made := x509.NewCertPool()
	for _, certificate := range found {
		made.AddCert(certificate)
	}
	return made, err
}

func judge(directory string) error {
	roots, err := pool(filepath.Join(directory, "roots.pem"))
	if err != nil {
		return err
	}
	name, err := os.ReadFile(filepath.Join(directory, "name"))
	if err != nil {
		return err
	}
	if len(name) > 0 {
		return connect(directory, string(name), roots)
	}
	leaf, err := certificates(filepath.Join(directory, "leaf.pem"))
	if err != nil {
		return err
	}
	sent, err := pool(filepath.Join(directory, "sent.pem"))
	if err != nil {
		return err
	}
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	_, err = leaf[0].Verify(x509.VerifyOptions{Intermediates: sent, Roots: roots, KeyUsages: usages})
	return err
}

func connect(directory string, name string, roots *x509.CertPool) error {
	port, err := os.ReadFile(filepath.Join(directory, "port"))
	if err != nil {
		return err
	}
	plain, err := net.Dial("tcp", "127.0.0.1:"+string(port))
	if err != nil {
		return err
	}
	defer plain.Close()
	return tls.Client(plain, &tls.Config{ServerName: name, RootCAs: roots}).Handshake()
}

func main() {
	for _, directory := range os.Args[1:] {
		verdict := "accepted"
		if err := judge(directory); err != nil {
			verdict = "refused " + strings.Join(strings.Fields(err.Error()), " ")
		}
		fmt.Println(verdict)
	}
}
