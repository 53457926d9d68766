package dev.lockstep.mpj;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.Security;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class TlsTest {
    static {
        // keys are changed every 256 KB rather than every 128 GB
        Security.setProperty("jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^18");
    }

    private static final Certificate CALLERS = Certificate.create();
    private static final Certificate LISTENERS = Certificate.create();

    private SocketChannel caller;
    private SocketChannel listener;

    @BeforeEach
    void connect() throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            caller = SocketChannel.open(server.getLocalAddress());
            listener = server.accept();
        }
        caller.socket().setSoTimeout(10_000);
        listener.socket().setSoTimeout(10_000);
    }

    @AfterEach
    void close() throws IOException {
        caller.close();
        listener.close();
    }

    private static CompletableFuture<Tls> open(SocketChannel channel, Certificate own, String sum, boolean calls) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return Tls.open(channel, own, sum, calls);
            } catch (IOException e) {
                try {
                    channel.close();
                } catch (IOException closing) {
                    e.addSuppressed(closing);
                }
                throw new CompletionException(e);
            }
        });
    }

    /** Both ways at once, in pieces of any size, through several changes of keys. */
    @Test
    void bytes_goBothWays() throws Exception {
        CompletableFuture<Tls> calling = open(caller, CALLERS, LISTENERS.sum(), true);
        Tls listening = open(listener, LISTENERS, CALLERS.sum(), false).get();
        int length = 3_000_000;
        caller.configureBlocking(false);
        listener.configureBlocking(false);
        Stream there = new Stream(calling.get(), listening, length, 1);
        Stream back = new Stream(listening, calling.get(), length, 2);
        while (!there.isThrough() || !back.isThrough()) {
            there.step();
            back.step();
        }
        assertThat(there.received.array()).isEqualTo(there.sent.array());
        assertThat(back.received.array()).isEqualTo(back.sent.array());
    }

    private static final class Stream {
        private final Tls from;
        private final Tls to;
        private final ByteBuffer sent;
        private final ByteBuffer received;
        private final Random random;

        private Stream(Tls from, Tls to, int length, int seed) {
            this.from = from;
            this.to = to;
            this.random = new Random(seed);
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            this.sent = ByteBuffer.wrap(bytes);
            this.received = ByteBuffer.allocate(length);
        }

        private boolean isThrough() {
            return !received.hasRemaining();
        }

        private void step() throws IOException {
            int most = random.nextBoolean() ? 200 : 200_000;
            sent.limit(Math.min(sent.capacity(), sent.position() + random.nextInt(most)));
            from.write(sent);
            from.flush();
            received.limit(Math.min(received.capacity(), received.position() + random.nextInt(most)));
            assertThat(to.read(received)).isNotNegative();
            received.limit(received.capacity());
        }
    }

    /** A selector tells of what the socket has, and of nothing that was taken from it before. */
    @Test
    void bytes_rightAfterTheHandshake_areLeftInTheSocket() throws Exception {
        CompletableFuture<Integer> written = open(caller, CALLERS, LISTENERS.sum(), true).thenApply(tls -> {
            try {
                int count = tls.write(ByteBuffer.wrap(new byte[5000]));
                tls.flush();
                return count;
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        });
        // the last of the caller's handshake is held back until more is behind it
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            SocketChannel middle = SocketChannel.open(server.getLocalAddress());
            SocketChannel behind = server.accept();
            CompletableFuture<Tls> listening = open(behind, LISTENERS, CALLERS.sum(), false);
            CompletableFuture<Void> unused = CompletableFuture.runAsync(() -> pass(middle, listener));
            ByteBuffer hello = ByteBuffer.allocate(1 << 16);
            listener.read(hello);
            middle.write(hello.flip());
            hello.clear();
            assertThat(written.get()).isEqualTo(5000);
            int count = 0;
            while (count < 5000) {
                count += listener.read(hello);
            }
            middle.write(hello.flip());
            Tls tls = listening.get();
            try (Selector selector = Selector.open()) {
                behind.configureBlocking(false);
                behind.register(selector, SelectionKey.OP_READ);
                assertThat(selector.select(10_000)).isOne();
            }
            assertThat(tls.read(ByteBuffer.allocate(10_000))).isEqualTo(5000);
            middle.close();
            behind.close();
        }
    }

    private static void pass(SocketChannel from, SocketChannel to) {
        try {
            ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
            while (from.read(buffer.clear()) > 0) {
                to.write(buffer.flip());
            }
        } catch (IOException e) {
            // the test is over
        }
    }

    @Test
    void nothing_isReadableOnTheWay() throws Exception {
        CompletableFuture<Tls> calling = open(caller, CALLERS, LISTENERS.sum(), true);
        open(listener, LISTENERS, CALLERS.sum(), false).get();
        byte[] secret = "a secret of sixty-four bytes, sent as it is would be found below".getBytes();
        calling.get().write(ByteBuffer.wrap(secret));
        calling.get().flush();
        ByteBuffer wire = ByteBuffer.allocate(1000);
        listener.read(wire); // past the other end's TLS
        assertThat(new String(wire.array(), 0, wire.position(), "ISO-8859-1")).hasSizeGreaterThan(64)
                .doesNotContain("secret");
    }

    @Test
    void listener_withAnotherCertificate_isRefused() {
        CompletableFuture<Tls> calling = open(caller, CALLERS, CALLERS.sum(), true);
        CompletableFuture<Tls> listening = open(listener, LISTENERS, CALLERS.sum(), false);
        assertThatThrownBy(calling::get).hasMessageContaining("it is not the certificate of this rank");
        assertThatThrownBy(listening::get).hasCauseInstanceOf(IOException.class);
    }

    @Test
    void caller_withAnotherCertificate_isRefused() {
        open(caller, Certificate.create(), LISTENERS.sum(), true);
        CompletableFuture<Tls> listening = open(listener, LISTENERS, CALLERS.sum(), false);
        assertThatThrownBy(listening::get).hasMessageContaining("it is not the certificate of this rank");
    }
}
