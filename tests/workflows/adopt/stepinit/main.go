// What "step ca init" does, by the library that it is made of: a root, an intermediate, SSH keys and a configuration
// below STEPPATH, every key encrypted with the passphrase that is the only argument.
package main

import (
	"log"
	"os"

	"github.com/smallstep/certificates/cas/apiv1"
	_ "github.com/smallstep/certificates/cas/softcas"
	"github.com/smallstep/certificates/pki"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	passphrase := []byte(os.Args[1])
	made, err := pki.New(
		apiv1.Options{Type: apiv1.SoftCAS, IsCreator: true},
		pki.WithAddress(":9000"), pki.WithDNSNames([]string{"ca.example.com"}), pki.WithProvisioner("admin"), pki.WithSSH(),
	)
	must(err)
	must(made.GenerateKeyPairs(passphrase))
	root, err := made.GenerateRootCertificate("Example", "Example", "Example", passphrase)
	must(err)
	must(made.GenerateIntermediateCertificate("Example", "Example", "Example", root, passphrase))
	must(made.GenerateSSHSigningKeys(passphrase))
	must(made.Save())
}
