/* A slow disk for one process: preloaded into a JVM it takes the place of fsync and fdatasync, counts the
 * calls and sleeps before each as long as a shared file says. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The file, in the byte order of this machine; slowdisk.go has the other side of it. */
static volatile struct {
	uint64_t delay_ns;
	uint64_t calls;
} *disk;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("KAFKATEST_SLOW_DISK");
	int fd = path ? open(path, O_RDWR) : -1;
	if (fd < 0)
		return;
	void *p = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		disk = p;
	close(fd);
}

static void slow(void)
{
	if (!disk)
		return;
	__atomic_fetch_add(&disk->calls, 1, __ATOMIC_RELAXED);
	uint64_t ns = disk->delay_ns;
	struct timespec left = {ns / 1000000000, ns % 1000000000};
	while (ns && nanosleep(&left, &left) != 0)
		;
}

int fsync(int fd)
{
	slow();
	return syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	slow();
	return syscall(SYS_fdatasync, fd);
}
