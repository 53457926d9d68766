package dev.lockstep.mpj;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import mpjbuf.Buffer;
import mpjbuf.BufferFactory;
import mpjbuf.Type;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import dev.lockstep.wire.PortRange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Two ranks in this JVM, with a relay before rank 1 that has all that goes between them. */
@Timeout(60)
class TcpDeviceTest {
    private static final InetAddress HERE = InetAddress.getLoopbackAddress();
    private static final int CONTEXT = 3;

    private final ServerSocket relay = new ServerSocket(0, 50, HERE);
    private final List<Socket> passed = new ArrayList<>();
    private final ByteArrayOutputStream fromCaller = new ByteArrayOutputStream();
    private TcpDevice zero;
    private TcpDevice one;

    TcpDeviceTest() throws IOException {}

    @BeforeEach
    void open() throws IOException {
        zero = TcpDevice.open(0, 2, HERE, PortRange.ANY, "a token", false);
        one = TcpDevice.open(1, 2, HERE, PortRange.ANY, "a token", false);
        List<TcpDevice.Address> all = List.of(address(zero.port()), address(relay.getLocalPort()));
        zero.join(all);
        one.join(all);
        Thread thread = new Thread(this::pass);
        thread.setDaemon(true);
        thread.start();
    }

    @AfterEach
    void close() throws IOException {
        relay.close();
        for (Socket socket : passed) {
            socket.close();
        }
    }

    private static TcpDevice.Address address(int port) {
        return new TcpDevice.Address(new InetSocketAddress(HERE, port), "");
    }

    private void pass() {
        try {
            while (true) {
                Socket caller = relay.accept();
                Socket listener = new Socket(HERE, one.port());
                passed.add(caller);
                passed.add(listener);
                copy(caller.getInputStream(), listener.getOutputStream(), fromCaller);
                copy(listener.getInputStream(), caller.getOutputStream(), OutputStream.nullOutputStream());
            }
        } catch (IOException e) {
            // the test is over
        }
    }

    private static void copy(InputStream in, OutputStream out, OutputStream record) {
        Thread thread = new Thread(() -> {
            byte[] buffer = new byte[1000];
            try {
                for (int count; (count = in.read(buffer)) > 0;) {
                    synchronized (record) {
                        record.write(buffer, 0, count);
                    }
                    out.write(buffer, 0, count);
                }
            } catch (IOException e) {
                // the test is over
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static Buffer buffer(int length) {
        return new Buffer(BufferFactory.create(length + 100), 0, length + 100);
    }

    private static void send(TcpDevice from, int to, int tag, int... values) throws Exception {
        Buffer buffer = buffer(4 * values.length);
        buffer.putSectionHeader(Type.INT);
        buffer.write(values, 0, values.length);
        buffer.commit();
        from.isend(buffer, from.init(null)[to], tag, CONTEXT).iwait();
    }

    private static int[] receive(TcpDevice at, int from, int tag, int count) throws Exception {
        Buffer buffer = buffer(4 * count);
        at.recv(buffer, at.init(null)[from], tag, CONTEXT);
        buffer.commit();
        int[] values = new int[count];
        buffer.getSectionHeader();
        buffer.read(values, 0, count);
        return values;
    }

    @Test
    void recordedHandshake_saidAgain_isRefusedAndDisturbsNothing() throws Exception {
        send(zero, 1, 5, 1, 2, 3);
        assertThat(receive(one, 0, 5, 3)).containsExactly(1, 2, 3);
        byte[] recorded;
        synchronized (fromCaller) {
            recorded = fromCaller.toByteArray();
        }
        assertThat(recorded).hasSizeGreaterThan(8 + 32 + 32 + 36 + 12);
        assertThat(new String(recorded, "ISO-8859-1")).as("the token never travels").doesNotContain("a token");
        for (int i = 0; i < 100; i++) {
            try (Socket replay = new Socket(HERE, one.port())) {
                replay.getOutputStream().write(recorded);
                replay.setSoTimeout(10_000);
                // the nonce and proof of the one that was called, and not a byte more: no connection is taken
                assertThat(readToEnd(replay)).isLessThanOrEqualTo(64);
            }
        }
        send(zero, 1, 6, 4);
        send(one, 0, 7, 5);
        assertThat(receive(one, 0, 6, 1)).containsExactly(4);
        assertThat(receive(zero, 1, 7, 1)).containsExactly(5);
        assertThat(passed).as("one connection for both ways").hasSize(2);
    }

    private static int readToEnd(Socket socket) throws IOException {
        int count = 0;
        try {
            while (socket.getInputStream().read() >= 0) {
                count++;
            }
        } catch (IOException e) {
            assertThat(e).isNotInstanceOf(EOFException.class).hasMessageContaining("reset");
        }
        return count;
    }

    /** The port of a rank that is gone may be anybody's. */
    @Test
    void impostor_atARanksPort_isNotSpokenTo() throws Exception {
        try (ServerSocket impostor = new ServerSocket(0, 50, HERE)) {
            TcpDevice other = TcpDevice.open(0, 2, HERE, PortRange.ANY, "a token", false);
            other.join(List.of(address(other.port()), address(impostor.getLocalPort())));
            CompletableFuture<Void> unused = CompletableFuture.runAsync(() -> {
                try {
                    send(other, 1, 5, 1234567);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            for (int i = 0; i < 3; i++) { // it tries again
                try (Socket caller = impostor.accept()) {
                    caller.setSoTimeout(10_000);
                    assertThat(caller.getInputStream().readNBytes(8 + 32)).hasSize(8 + 32);
                    caller.getOutputStream().write(new byte[64]);
                    assertThat(readToEnd(caller)).isZero();
                }
            }
        }
    }

    @Test
    void connection_thatBreaks_endsWhatWaitsForItsRank_afterTheLaunchersTime() throws Exception {
        send(zero, 1, 5, 1);
        assertThat(receive(one, 0, 5, 1)).containsExactly(1);
        long begin = System.nanoTime();
        for (Socket socket : passed) {
            socket.close();
        }
        assertThatThrownBy(() -> receive(one, 0, 5, 1)).hasMessageStartingWith("rank 0 is gone: ");
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isBetween(Duration.ofSeconds(2),
                Duration.ofSeconds(10));
        assertThatThrownBy(() -> send(one, 0, 5, 1)).hasMessageStartingWith("rank 0 is gone: ");
    }
}
