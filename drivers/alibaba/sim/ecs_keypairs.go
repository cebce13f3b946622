package sim

import (
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // fingerprints are MD5
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
)

const kindKeyPair kind = "key_pair"

func ecsKeyPairs() actions {
	return actions{
		"CreateKeyPair": createKeyPair, "ImportKeyPair": importKeyPair, "DescribeKeyPairs": listing("KeyPairs.KeyPair", kindKeyPair, "KeyPairName", "KeyPairFingerPrint", "ResourceGroupId"), "DeleteKeyPairs": deleteKeyPairs,
		"AttachKeyPair": attachKeyPair, "DetachKeyPair": detachKeyPair,
	}
}

func (c *call) newKeyPair(public []byte) (*record, error) {
	name := c.str("KeyPairName")
	if len(c.with(kindKeyPair, "KeyPairName", name)) > 0 {
		return nil, c.fail("KeyPair.AlreadyExist", "The key pair already exists.")
	}
	sum := md5.Sum(public) //nolint:gosec // see above
	id := "ssh-" + c.w.word(20)
	return c.create(kindKeyPair, id, obj{
		"KeyPairName": name, "KeyPairId": id, "KeyPairFingerPrint": hex.EncodeToString(sum[:]), "CreationTime": c.stamp(seconds),
		"ResourceGroupId": c.str("ResourceGroupId"), "PublicKey": string(public),
	}), nil
}

func createKeyPair(c *call) (obj, error) {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(c.w.rnd.Uint32())
	}
	key := ed25519.NewKeyFromSeed(seed)
	r, err := c.newKeyPair([]byte(hex.EncodeToString(key[32:])))
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := c.show(r, "")
	out["PrivateKeyBody"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return out, nil
}

func importKeyPair(c *call) (obj, error) {
	body := strings.TrimSpace(c.str("PublicKeyBody"))
	if !strings.HasPrefix(body, "ssh-") && !strings.HasPrefix(body, "ecdsa-") {
		return nil, c.failOne([]string{"InvalidPublicKeyBody.Malformed", "InvalidParameter"}, "The public key is not valid.")
	}
	r, err := c.newKeyPair([]byte(body))
	if err != nil {
		return nil, err
	}
	return c.show(r, ""), nil
}

func deleteKeyPairs(c *call) (obj, error) {
	for _, name := range c.strs("KeyPairNames") {
		if len(c.with(kindInstance, "KeyPairName", name)) > 0 {
			return nil, c.fail("InvalidParameter.KeypairAlreadyAttachedInstance", "The key pair is attached to an instance.")
		}
	}
	for _, name := range c.strs("KeyPairNames") {
		for _, r := range c.with(kindKeyPair, "KeyPairName", name) {
			c.touch(name)
			c.w.remove(r)
		}
	}
	return obj{}, nil
}

func attachKeyPair(c *call) (obj, error) {
	if len(c.with(kindKeyPair, "KeyPairName", c.str("KeyPairName"))) == 0 {
		return nil, c.fail("InvalidKeyPairName.NotFound", "The specified KeyPairName does not exist.")
	}
	return c.setKeyPair(c.str("KeyPairName"))
}

func detachKeyPair(c *call) (obj, error) { return c.setKeyPair("") }

func (c *call) setKeyPair(name string) (obj, error) {
	var results []any
	list := c.strs("InstanceIds")
	for _, id := range list {
		vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound", "InvalidInstanceIds.ValueNotSupported")
		if err != nil {
			return nil, err
		}
		vm.set("KeyPairName", name)
		results = append(results, obj{"InstanceId": id, "Success": "true", "Code": "200", "Message": "successful"})
	}
	return obj{"KeyPairName": c.str("KeyPairName"), "TotalCount": text(len(list)), "FailCount": "0", "Results": obj{"Result": results}}, nil
}
