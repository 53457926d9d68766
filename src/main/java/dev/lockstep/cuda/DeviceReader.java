package dev.lockstep.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import org.jspecify.annotations.Nullable;

/**
 * Reads files into the current device's memory: some threads read blocks into pinned memory of the host, from which the
 * device fetches them while the next ones are read. From the page cache that is several times as fast as a copy out of
 * mapped files, and from a disk as fast as the disk is. The pages stay for the other processes of the host, which then read
 * no disk.
 */
public final class DeviceReader implements AutoCloseable {
    /** Larger blocks leave the processor's cache before the device has fetched them. */
    private static final int BLOCK = 2 << 20;
    private static final int THREADS = 8;
    private static final int BUFFERS = 2;

    /** @param rowBytes a row of a file has so many bytes, of which the next one's begin {@code stride} bytes later */
    private record Block(Path file, FileChannel channel, long offset, int bytes, int rowBytes, long stride,
            long address,
            Transfer transfer) {}

    /** A stretch of a file on its way. */
    public static final class Transfer {
        private final AtomicInteger blocks;
        private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

        private Transfer(int blocks) {
            this.blocks = new AtomicInteger(blocks);
            if (blocks == 0) {
                done.complete(null);
            }
        }

        private void failed(RuntimeException why) {
            done.completeExceptionally(why);
        }

        private void arrived() {
            if (blocks.decrementAndGet() == 0) {
                done.complete(null);
            }
        }

        /**
         * Waits until all of it is in the device's memory.
         *
         * @throws UncheckedIOException when the file cannot be read, or ends before
         * @throws CudaException        when the device refuses it
         */
        public void await() {
            try {
                done.join();
            } catch (CompletionException e) {
                if (e.getCause()instanceof RuntimeException cause) {
                    throw cause;
                }
                throw e;
            }
        }
    }

    /** A piece of pinned memory with a stream of its own, and what is on its way from it. */
    private static final class Buffer {
        final Pointer memory;
        final ByteBuffer bytes;
        final Pointer stream;
        @Nullable
        Transfer underWay;

        Buffer() {
            PointerByReference made = new PointerByReference();
            CudaDriver.call("cuMemHostAlloc", made, (long) BLOCK, 0);
            memory = made.getValue();
            bytes = memory.getByteBuffer(0, BLOCK);
            CudaDriver.call("cuStreamCreate", made, 1); // does not wait for the default stream
            stream = made.getValue();
        }

        void send(Block block) {
            underWay = block.transfer;
            CudaDriver.call("cuMemcpyHtoDAsync_v2", block.address, memory, (long) block.bytes, stream);
        }

        /** Waits until what was sent last has arrived. */
        void settle() {
            Transfer transfer = underWay;
            if (transfer != null) {
                underWay = null;
                try {
                    CudaDriver.await(stream);
                    transfer.arrived();
                } catch (CudaException e) {
                    transfer.failed(e); // whoever waits for it is told, and the thread goes on
                }
            }
        }

        void free() {
            CudaDriver.call("cuStreamDestroy_v2", stream);
            CudaDriver.call("cuMemFreeHost", memory);
        }
    }

    private final LinkedBlockingQueue<Block> blocks = new LinkedBlockingQueue<>();
    private final Map<Path, FileChannel> channels = new HashMap<>();
    private final List<Buffer> buffers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean closed;

    /**
     * Sets it up for the calling thread's device.
     *
     * @throws UnsatisfiedLinkError when there is no driver
     * @throws CudaException        when it refuses the memory
     */
    public DeviceReader() {
        PointerByReference context = new PointerByReference();
        CudaDriver.call("cuCtxGetCurrent", context);
        try {
            for (int i = 0; i < THREADS * BUFFERS; i++) {
                buffers.add(new Buffer());
            }
        } catch (CudaException e) {
            buffers.forEach(Buffer::free);
            throw e;
        }
        for (int i = 0; i < THREADS; i++) {
            List<Buffer> own = buffers.subList(i * BUFFERS, (i + 1) * BUFFERS);
            Thread thread = new Thread(() -> work(context.getValue(), own), "weights-" + i);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
    }

    /**
     * Begins to read.
     *
     * @param address in the device's memory, where nothing else may be under way
     * @throws UncheckedIOException when the file cannot be opened
     */
    public Transfer read(Path file, long offset, long bytes, long address) {
        FileChannel channel = channels.computeIfAbsent(file, DeviceReader::open);
        Transfer transfer = new Transfer(Math.toIntExact((bytes + BLOCK - 1) / BLOCK));
        for (long at = 0; at < bytes; at += BLOCK) {
            int some = (int) Math.min(BLOCK, bytes - at);
            blocks.add(new Block(file, channel, offset + at, some, some, some, address + at, transfer));
        }
        return transfer;
    }

    /**
     * Begins to read pieces of a file that are apart, as columns of a matrix are, one after the other.
     *
     * @param rowBytes of each piece, at most 2 MiB
     * @param stride   from the beginning of a piece to that of the next one
     * @param address  in the device's memory, where nothing else may be under way
     * @throws UncheckedIOException when the file cannot be opened
     */
    public Transfer readRows(Path file, long offset, long rows, int rowBytes, long stride, long address) {
        if (rowBytes > BLOCK) {
            throw new IllegalArgumentException("pieces of " + rowBytes + " bytes");
        }
        FileChannel channel = channels.computeIfAbsent(file, DeviceReader::open);
        long some = BLOCK / rowBytes;
        Transfer transfer = new Transfer(Math.toIntExact((rows + some - 1) / some));
        for (long row = 0; row < rows; row += some) {
            blocks.add(new Block(file, channel, offset + row * stride, (int) Math.min(some, rows - row) * rowBytes,
                    rowBytes, stride, address + row * rowBytes, transfer));
        }
        return transfer;
    }

    private static FileChannel open(Path file) {
        try {
            return FileChannel.open(file, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void work(Pointer context, List<Buffer> own) {
        CudaDriver.call("cuCtxSetCurrent", context);
        int next = 0;
        while (!closed) {
            Block block = blocks.poll();
            if (block == null) {
                own.forEach(Buffer::settle);
                try {
                    block = blocks.take();
                } catch (InterruptedException e) {
                    break; // closed
                }
            }
            try {
                Buffer buffer = own.get(next);
                next = (next + 1) % BUFFERS;
                buffer.settle();
                fill(buffer.bytes, block);
                buffer.send(block);
            } catch (IOException e) {
                block.transfer.failed(new UncheckedIOException(e));
            } catch (RuntimeException e) {
                block.transfer.failed(e);
            }
        }
        own.forEach(Buffer::settle);
    }

    private static void fill(ByteBuffer buffer, Block block) throws IOException {
        buffer.clear();
        long from = block.offset;
        for (int end = block.rowBytes; end <= block.bytes; end += block.rowBytes) {
            buffer.limit(end);
            for (int begin = end - block.rowBytes; buffer.hasRemaining();) {
                if (block.channel.read(buffer, from + buffer.position() - begin) < 0) {
                    throw new IOException(block.file + " ends before its header says; download it again");
                }
            }
            from += block.stride;
        }
    }

    /** Ends the threads; what has not arrived is lost. */
    @Override
    public void close() {
        closed = true;
        threads.forEach(Thread::interrupt);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        buffers.forEach(Buffer::free);
        for (FileChannel channel : channels.values()) {
            try {
                channel.close();
            } catch (IOException e) {
                // it was only read
            }
        }
    }
}
