// Package deploytest proves what is under deploy/ without a cluster and without a container engine: units
// by systemd-analyze, packages in a chroot, images by buildah, charts by strict decoding and by a real
// Kubernetes API server. It is a module of its own because of what it depends on; `make test-deploy` runs it.
package deploytest
