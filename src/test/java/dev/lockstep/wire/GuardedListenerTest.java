package dev.lockstep.wire;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(30)
class GuardedListenerTest {
    private final ServerSocket server = new ServerSocket(0, 500, InetAddress.getLoopbackAddress());

    /** Answers with what it read; whoever says 1 is admitted, and whoever says 3 may stay. */
    private final GuardedListener entrance = GuardedListener.open(server, "test", 1, (visitor, admit) -> {
        for (int read; (read = visitor.getInputStream().read()) >= 0;) {
            if (read == 1) {
                admit.run();
            }
            visitor.getOutputStream().write(read);
            if (read == 3) {
                return true;
            }
        }
        return false;
    });

    GuardedListenerTest() throws Exception {}

    @AfterEach
    void close() {
        entrance.close();
    }

    private Socket say(int value) throws Exception {
        Socket socket = new Socket(server.getInetAddress(), server.getLocalPort());
        socket.getOutputStream().write(value);
        return socket;
    }

    @Test
    void visitor_thatStays_isNotClosed() throws Exception {
        try (Socket kept = say(3); Socket last = say(2)) {
            assertThat(kept.getInputStream().read()).isEqualTo(3);
            assertThat(last.getInputStream().read()).isEqualTo(2);
            kept.setSoTimeout(200);
            assertThatThrownBy(() -> kept.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void strangers_areBoundedInNumber_theOldestGoes() throws Exception {
        try (Socket admitted = say(1)) {
            assertThat(admitted.getInputStream().read()).isEqualTo(1);
            List<Socket> strangers = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                strangers.add(say(2));
            }
            Socket last = strangers.get(199);
            assertThat(last.getInputStream().read()).isEqualTo(2);
            // waits until it is closed from the other side
            assertThat(readToEnd(strangers.get(0))).isLessThanOrEqualTo(1);
            admitted.getOutputStream().write(7);
            assertThat(admitted.getInputStream().read()).isEqualTo(7);
            for (Socket stranger : strangers) {
                stranger.close();
            }
        }
    }

    @Test
    void stranger_whoGoesOnTalking_hasBoundedTime() throws Exception {
        try (Socket stranger = say(2)) {
            long begin = System.nanoTime();
            assertThat(readToEnd(stranger)).isEqualTo(1);
            assertThat((System.nanoTime() - begin) / 1e9).isBetween(5.0, 20.0);
        }
    }

    private static int readToEnd(Socket socket) throws Exception {
        try {
            return socket.getInputStream().readAllBytes().length;
        } catch (SocketException e) {
            return 0; // reset: it was closed with bytes unread
        }
    }
}
