package dev.lockstep.world.rank;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.Past;
import dev.lockstep.wire.PortRange;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.wire.SealedLink;
import dev.lockstep.wire.Traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class ControlLinkTest {
    private static final String TOKEN = "secret";
    // a rank whose link breaks ends its process, which is this one
    private static final List<Object> KEPT = new ArrayList<>();

    private static RankEnvironment rank(int port) {
        return new RankEnvironment(3, 4, 1, 2, "h2", "cpu", new Traffic("auto", new PortRange(40_000, 40_100), false),
                "127.0.0.1", "127.0.0.1:" + port, TOKEN, new Past("a1b2", 0, List.of()));
    }

    @Test
    void open_droppedBeforeItIsKnown_knocksAgain() throws Exception {
        ServerSocket launcher = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        KEPT.add(launcher);
        CompletableFuture<List<Message>> heard = CompletableFuture.supplyAsync(() -> {
            try {
                launcher.accept().close();
                Socket second = launcher.accept();
                SealedLink.accept(second, TOKEN);
                second.close();
                Socket third = launcher.accept();
                Message hello = SealedLink.accept(third, TOKEN).read();
                third.close();
                SealedLink fourth = SealedLink.accept(launcher.accept(), TOKEN);
                KEPT.add(fourth);
                Message again = fourth.read();
                fourth.send(new Message.Heartbeat(true));
                return List.of(hello, again);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        KEPT.add(ControlLink.open(rank(launcher.getLocalPort())));
        Message hello = new Message.Hello(3, ProcessHandle.current().pid(), "h2");
        assertThat(heard.get()).containsExactly(hello, hello);
    }

    @Test
    void open_launcherOfAnotherJob_isRefusedAtOnce() throws Exception {
        try (ServerSocket launcher = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Boolean> other = CompletableFuture.supplyAsync(() -> {
                try {
                    SealedLink.accept(launcher.accept(), "another");
                    return true;
                } catch (IOException e) {
                    return false;
                }
            });
            assertThatThrownBy(() -> ControlLink.open(rank(launcher.getLocalPort())))
                    .hasMessage("what listens there is not this job's launcher");
            assertThat(other.get()).isFalse();
        }
    }
}
