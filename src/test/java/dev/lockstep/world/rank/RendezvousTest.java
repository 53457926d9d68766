package dev.lockstep.world.rank;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.Peer;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(30)
class RendezvousTest {
    private static void write(DataOutputStream out, String greeting, int writePort, int readPort, int rank)
            throws Exception {
        out.writeUTF(greeting);
        out.writeInt(writePort);
        out.writeInt(readPort);
        out.writeInt(rank);
    }

    @Test
    void mpj_getsTheTable_whoeverElseIsThere() throws Exception {
        Message.Table table = new Message.Table(List.of(new Peer(0, "h0", 1, 2, ""), new Peer(1, "h1", 3, 4, "")));
        try (Rendezvous rendezvous = Rendezvous.open(1, (readPort, writePort) -> {
            assertThat(new int[]{readPort, writePort}).containsExactly(31000, 30000);
            return table;
        });
                Socket silent = connect(rendezvous);
                Socket half = connect(rendezvous);
                Socket web = connect(rendezvous);
                Socket other = connect(rendezvous);
                Socket noPort = connect(rendezvous);
                Socket mpj = connect(rendezvous)) {
            assertThat(silent.isConnected()).isTrue();
            half.getOutputStream().write(new byte[]{0, 12, 'S', 'e'});
            web.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            write(new DataOutputStream(other.getOutputStream()), "Sending Info", 30000, 31000, 0);
            write(new DataOutputStream(noPort.getOutputStream()), "Sending Info", 30000, 131000, 1);
            for (Socket refused : List.of(other, noPort)) {
                assertThat(refused.getInputStream().read()).isEqualTo(-1);
            }
            write(new DataOutputStream(mpj.getOutputStream()), "Sending Info", 30000, 31000, 1);
            assertThat(new DataInputStream(mpj.getInputStream()).readUTF())
                    .isEqualTo("#Peer Information;h0@1@2@0@0;h1@3@4@1@0");
        }
    }

    private static Socket connect(Rendezvous rendezvous) throws Exception {
        return new Socket(InetAddress.getLoopbackAddress(), rendezvous.port());
    }
}
