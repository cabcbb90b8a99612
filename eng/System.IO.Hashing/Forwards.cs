using System.IO.Hashing;
using System.Runtime.CompilerServices;

[assembly: TypeForwardedTo(typeof(Crc64))]
