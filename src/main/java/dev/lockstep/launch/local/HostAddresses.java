package dev.lockstep.launch.local;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

import dev.lockstep.host.HostName;
import dev.lockstep.host.UsageException;

/** This host's addresses. */
public final class HostAddresses {
    private record Own(String name, InetAddress address) {}

    private HostAddresses() {}

    /**
     * The addresses by which other hosts may reach this one; those of bridges to containers come last.
     *
     * @param choice an interface's name, an address, a subnet such as 10.1.0.0/16, or empty for all
     * @throws UsageException when the choice fits nothing here
     */
    public static List<InetAddress> addresses(String choice) {
        List<Own> all = all();
        List<InetAddress> chosen = all.stream().filter(own -> choice.isEmpty()
                ? !own.address().isLoopbackAddress() && !own.address().isLinkLocalAddress()
                : own.name().equals(choice) || isIn(own.address(), choice)).map(Own::address).toList();
        if (chosen.isEmpty() && !choice.isEmpty()) {
            throw new UsageException("--interface " + choice + ": " + HostName.here()
                    + " has no such interface and no address in it; it has " + all.stream()
                            .map(own -> own.name() + " " + text(own.address())).collect(Collectors.joining(", ")));
        }
        return chosen;
    }

    /** Without the zone that Java appends to some. */
    public static String text(InetAddress address) {
        return address.getHostAddress().replaceFirst("%.*", "");
    }

    static boolean isIn(InetAddress address, String subnet) {
        int slash = subnet.indexOf('/');
        String base = slash < 0 ? subnet : subnet.substring(0, slash);
        if (!base.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
            return false; // a name, which must not be looked up
        }
        try {
            byte[] network = InetAddress.getByName(base).getAddress();
            byte[] own = address.getAddress();
            int bits = slash < 0 ? 8 * network.length : Integer.parseInt(subnet.substring(slash + 1));
            return own.length == network.length && bits >= 0 && bits <= 8 * own.length
                    && new BigInteger(1, own).xor(new BigInteger(1, network)).shiftRight(8 * own.length - bits)
                            .signum() == 0;
        } catch (IOException | NumberFormatException e) {
            return false;
        }
    }

    private static List<Own> all() {
        List<Own> all = new ArrayList<>();
        try {
            for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                if (each.isUp()) {
                    Collections.list(each.getInetAddresses()).forEach(a -> all.add(new Own(each.getName(), a)));
                }
            }
        } catch (IOException e) {
            return List.of(); // no network at all
        }
        all.sort(Comparator.comparing((Own own) -> own.name().matches("(docker|br-|virbr|veth|cni|lxc).*"))
                .thenComparing(own -> own.address().getAddress().length));
        return all;
    }
}
